/** Every answer of one project: as the system gives it, and in the shape in which the model gives the same. */
import { meaningOf, type Ends, type FunnelAnswer, type Leaving, type SessionsLine, type System, type TrendLine } from '@tidemark/model';
import { kindsOf, told, type AnswerOfKind, type ToldOfKind } from './kinds.ts';
import { funnelsOf, sessionsOf, trendsOf, type Asked } from './questions.ts';

/** How a project is asked: within this process, or over HTTP. */
export interface Asking {
  question(kind: string, body: object): Promise<object>;
  /** All of a person's events, in order. */
  timeline(id: string): Promise<Shown[]>;
  /** All events of the project. */
  exported(): Promise<Shown[]>;
  balance(): Promise<Ends & Record<string, unknown>>;
}

/** An event as the system shows it. */
export interface Shown extends Record<string, unknown> {
  eventId: string;
  timestamp: string;
  originalTimestamp: string;
  receivedAt: string;
}

/** Without `meta`, which says when it was asked and what it cost. */
export interface Answers {
  balance: Ends;
  trends: { series: { breakdown: string[]; total: number; points: { time: string; value: number }[] }[] }[];
  funnels: { steps: StepShown[]; breakdowns: { breakdown: string[]; steps: StepShown[] }[] }[];
  sessions: (SessionsShown & { breakdowns: SessionsShown[] })[];
  timelines: Record<string, Shown[]>;
  /** What the other kinds of questions answer. */
  kinds: AnswerOfKind[];
  /** By eventId. */
  exported: Shown[];
}

type StepShown = FunnelAnswer['steps'][number] & Record<string, unknown>;

/** A point shows its number of sessions as `value`. */
type SessionsShown = Omit<SessionsLine, 'points'> & { points: (Omit<SessionsLine['points'][number], 'sessions' | 'timeMs'> & { time: string; value: number })[] };

/** The same without what only the system says (labels, ratios, enriched context). */
export interface Comparable {
  balance: Ends;
  trends: TrendLine[][];
  funnels: FunnelAnswer[];
  sessions: SessionsLine[][];
  /** eventIds. */
  timelines: Record<string, string[]>;
  kinds: ToldOfKind[];
  exported: Leaving[];
}

export type Part = keyof Comparable;
const ALL: readonly Part[] = ['balance', 'trends', 'funnels', 'sessions', 'timelines', 'kinds', 'exported'];

/** Parts that are not asked for stay empty. */
export async function answersOf(asking: Asking, asked: Asked, parts = ALL): Promise<Answers> {
  const withoutMeta = async <Answer>(kind: string, body: object): Promise<Answer> => {
    const { meta: _, ...answer } = (await asking.question(kind, body)) as { meta: unknown };
    return answer as Answer;
  };
  const when = <Item>(part: Part, items: readonly Item[]): readonly Item[] => (parts.includes(part) ? items : []);
  const answers: Answers = { balance: endsOf(await asking.balance()), trends: [], funnels: [], sessions: [], timelines: {}, kinds: [], exported: [] };
  for (const { body } of when('trends', trendsOf(asked))) answers.trends.push(await withoutMeta('trend', body));
  for (const { body } of when('funnels', funnelsOf(asked))) answers.funnels.push(await withoutMeta('funnel', body));
  for (const { body } of when('sessions', sessionsOf(asked))) answers.sessions.push(await withoutMeta('sessions', body));
  for (const id of when('timelines', asked.ids)) answers.timelines[id] = await asking.timeline(id);
  for (const { kind, body } of when('kinds', kindsOf(asked))) answers.kinds.push({ kind, answer: await withoutMeta(kind, body) });
  if (parts.includes('exported')) answers.exported = (await asking.exported()).toSorted((a, b) => (a.eventId < b.eventId ? -1 : 1));
  return answers;
}

export function answersByModel(system: System, project: string, asked: Asked): Comparable {
  const known = system.known(project);
  return {
    balance: { ...system.ends(project) },
    trends: trendsOf(asked).map(({ forModel }) => system.trend(project, forModel).flat()),
    funnels: funnelsOf(asked).map(({ forModel }) => system.funnel(project, forModel)),
    sessions: sessionsOf(asked).map(({ forModel }) => system.sessions(project, forModel)),
    timelines: Object.fromEntries(asked.ids.map((id) => [id, system.timeline(project, id)])),
    kinds: kindsOf(asked).map(({ kind, byModel }) => ({ kind, told: byModel(known) })),
    exported: system.exported(project),
  };
}

/** A few answers that tell who is who: users by hour, timelines of three ids. */
export async function glance(asking: Asking, asked: Asked): Promise<object> {
  const [{ body } = { body: {} }] = trendsOf(asked);
  const { series } = (await asking.question('trend', body)) as Answers['trends'][number];
  const timelines = [];
  for (const id of asked.ids.slice(0, 3)) timelines.push((await asking.timeline(id)).map(({ eventId }) => eventId));
  return { totals: series.map(({ total }) => total), timelines };
}

export function glanceByModel(system: System, project: string, asked: Asked): object {
  const [{ forModel } = { forModel: undefined }] = trendsOf(asked);
  const lines = forModel === undefined ? [] : system.trend(project, forModel).flat();
  return { totals: lines.map(({ total }) => total), timelines: asked.ids.slice(0, 3).map((id) => system.timeline(project, id)) };
}

export function comparable({ balance, trends, funnels, sessions, timelines, kinds, exported }: Answers): Comparable {
  return {
    balance,
    trends: trends.map(({ series }) =>
      series.map(({ breakdown, total, points }) => ({ breakdown, total, points: points.map(({ time, value }) => ({ timeMs: Date.parse(time), value })) })),
    ),
    funnels: funnels.map(({ steps, breakdowns }) => ({
      steps: steps.map(stepOf),
      breakdowns: breakdowns.map((group) => ({ breakdown: group.breakdown, steps: group.steps.map(stepOf) })),
    })),
    sessions: sessions.map((whole) => [sessionsLineOf({ ...whole, breakdown: [] }), ...whole.breakdowns.map(sessionsLineOf)]),
    timelines: Object.fromEntries(Object.entries(timelines).map(([id, events]) => [id, events.map(({ eventId }) => eventId)])),
    kinds: kinds.map(told),
    exported: exported.map(leavingOf),
  };
}

function sessionsLineOf({ breakdown, sessions, users, meanSeconds, medianSeconds, p90Seconds, eventsPerSession, pagesPerSession, bounceRate, points }: SessionsShown): SessionsLine {
  return {
    breakdown, sessions, users, meanSeconds, medianSeconds, p90Seconds, eventsPerSession, pagesPerSession, bounceRate,
    points: points.map(({ time, value, ...point }) => ({ timeMs: Date.parse(time), ...point, sessions: value })),
  };
}

function stepOf({ users, medianSeconds, p90Seconds, medianSecondsFromStart, p90SecondsFromStart }: StepShown): FunnelAnswer['steps'][number] {
  return { users, medianSeconds, p90Seconds, medianSecondsFromStart, p90SecondsFromStart };
}

function endsOf({ received, stored, duplicate, conflict, quarantined, filtered, rejected }: Ends): Ends {
  return { received, stored, duplicate, conflict, quarantined, filtered, rejected };
}

function leavingOf(event: Shown): Leaving {
  const text = (name: string): string => (event[name] as string | undefined) ?? '';
  const json = (name: string): string => meaningOf((event[name] ?? {}) as Parameters<typeof meaningOf>[0]);
  return {
    eventId: event.eventId, eventName: text('eventName'), type: text('type'), userId: text('userId'), anonymousId: text('anonymousId'),
    sessionId: text('sessionId'), groupId: text('groupId'), previousId: text('previousId'), personId: text('personId'),
    timeMs: Date.parse(event.timestamp), originalTimeMs: Date.parse(event.originalTimestamp), receivedAtMs: Date.parse(event.receivedAt),
    sequence: (event['sequence'] as number | undefined) ?? 0, source: text('source'), bot: event['bot'] === true,
    properties: json('properties'), traits: json('traits'),
  };
}
