import type { StoredEvent } from '@tidemark/event';
import { bucketStarts, type Granularity, type WeekDay } from './calendar.ts';
import { groupBy } from './group-by.ts';
import { earlier, personOf } from './person.ts';
import { cut, textOf } from './property.ts';
import { quantile } from './quantile.ts';
import { holds, type Where } from './where.ts';

/** Where a question names no other (S1). */
export const SESSION_GAP_MS = 1_800_000;

export interface Session {
  /** The eventId of its first event. */
  id: string;
  person: string;
  startMs: number;
  /** Time of the last event of its device. */
  lastMs: number;
  /** Those of its device, in order; of a session that no device began, its one event. */
  own: StoredEvent[];
  /** Those without a device that fell into it. */
  joined: StoredEvent[];
}

/** Every session there is (rules S1 to S4), bots' too. */
export function sessionsOf(all: readonly StoredEvent[], gapMs: number, person = personOf(all)): Session[] {
  const ordered = all.toSorted((a, b) => a.timeMs - b.timeMs || a.sequence - b.sequence || earlier(a, b));
  const begin = (event: StoredEvent): Session => ({ id: event.eventId, person: person(event), startMs: event.timeMs, lastMs: event.timeMs, own: [event], joined: [] });

  const ofDevices: Session[] = [];
  const latest = new Map<string, Session>();
  for (const event of ordered.filter(({ anonymousId }) => anonymousId !== '')) {
    const stream = JSON.stringify([person(event), event.anonymousId, event.bot]);
    const open = latest.get(stream);
    if (open === undefined || event.timeMs - open.lastMs > gapMs) {
      const session = begin(event);
      latest.set(stream, session);
      ofDevices.push(session);
    } else {
      open.lastMs = event.timeMs;
      open.own.push(event);
    }
  }

  const alone: Session[] = [];
  for (const event of ordered.filter(({ anonymousId }) => anonymousId === '')) {
    const around = ofDevices.filter(
      (session) => session.person === person(event) && session.own[0]?.bot === event.bot && session.startMs <= event.timeMs && event.timeMs <= session.lastMs + gapMs,
    );
    const [joins] = around.toSorted((a, b) => b.startMs - a.startMs || Buffer.compare(Buffer.from(a.id), Buffer.from(b.id)));
    if (joins === undefined) alone.push(begin(event));
    else joins.joined.push(event);
  }
  return [...ofDevices, ...alone];
}

export interface SessionsQuestion {
  fromMs: number;
  toMs: number;
  timezone: string;
  granularity: Granularity;
  weekStart?: WeekDay;
  gapMs: number;
  includeBots: boolean;
  where?: Where;
  breakdown?: readonly string[];
  limit?: number;
}

interface SessionsSummary {
  sessions: number;
  users: number;
  meanSeconds: number | null;
  medianSeconds: number | null;
  p90Seconds: number | null;
  eventsPerSession: number;
  pagesPerSession: number;
  bounceRate: number;
}

export interface SessionsLine extends SessionsSummary {
  breakdown: string[];
  points: (SessionsSummary & { timeMs: number })[];
}

/** The answer: the whole first, then its groups in the order in which they are shown. */
export function sessions(all: readonly StoredEvent[], question: SessionsQuestion, person = personOf(all)): SessionsLine[] {
  const { fromMs, toMs, timezone, granularity, gapMs, includeBots, where, breakdown = [], limit = 10 } = question;
  const counted = sessionsOf(all, gapMs, person).filter(
    ({ startMs, own, joined }) => startMs >= fromMs && startMs < toMs && (includeBots || own[0]?.bot === false) && [...own, ...joined].some((event) => holds(event, where)),
  );
  const starts = bucketStarts(timezone, granularity, fromMs, toMs, question.weekStart);
  const lineOf = (labels: string[], of: readonly Session[]): SessionsLine => ({
    breakdown: labels,
    ...summaryOf(of),
    points: starts.map((timeMs, i) => ({ timeMs, ...summaryOf(of.filter(({ startMs }) => startMs >= timeMs && startMs < (starts[i + 1] ?? Number.POSITIVE_INFINITY))) })),
  });
  if (breakdown.length === 0) return [lineOf([], counted)];

  const unset = JSON.stringify(breakdown.map(() => ''));
  const groupOf = (session: Session): string => JSON.stringify(breakdown.map((name) => sortable(valueOf(session, name))));
  const groups = groupBy(counted, groupOf);
  const kept = [...groups]
    .filter(([key]) => key !== unset)
    .toSorted(([a, left], [b, right]) => right.length - left.length || compareKeys(a, b))
    .slice(0, limit)
    .map(([key]) => key);
  const others = counted.filter((session) => !kept.includes(groupOf(session)) && groupOf(session) !== unset);
  return [
    lineOf([], counted),
    ...kept.map((key) => lineOf((JSON.parse(key) as string[]).map((part) => (part === '' ? '(not set)' : part.slice(1))), groups.get(key) ?? [])),
    ...(others.length > 0 ? [lineOf(breakdown.map(() => 'other'), others)] : []),
    ...(groups.has(unset) ? [lineOf(breakdown.map(() => '(not set)'), groups.get(unset) ?? [])] : []),
  ];
}

function summaryOf(of: readonly Session[]): SessionsSummary {
  const count = of.length;
  const depth = ({ own, joined }: Session): number => own.length + joined.length;
  const seconds = of.map(({ startMs, lastMs }) => (lastMs - startMs) / 1000).toSorted((a, b) => a - b);
  return {
    sessions: count,
    users: new Set(of.map(({ person }) => person)).size,
    meanSeconds: count === 0 ? null : of.reduce((ms, { startMs, lastMs }) => ms + (lastMs - startMs), 0) / count / 1000,
    medianSeconds: count === 0 ? null : quantile(seconds, 0.5),
    p90Seconds: count === 0 ? null : quantile(seconds, 0.9),
    eventsPerSession: count === 0 ? 0 : of.reduce((sum, session) => sum + depth(session), 0) / count,
    pagesPerSession: count === 0 ? 0 : of.reduce((sum, session) => sum + pagesOf(session), 0) / count,
    bounceRate: count === 0 ? 0 : of.filter((session) => depth(session) === 1).length / count,
  };
}

function pagesOf({ own, joined }: Session): number {
  return [...own, ...joined].filter(({ type }) => type === 'page' || type === 'screen').length;
}

const OF_FIRST: Record<string, 'campaignSource' | 'campaignMedium' | 'campaignName' | 'channel' | 'country' | 'deviceType'> = {
  source: 'campaignSource',
  medium: 'campaignMedium',
  campaign: 'campaignName',
  channel: 'channel',
  country: 'country',
  deviceType: 'deviceType',
};

export const SESSION_PROPERTIES: readonly string[] = ['entryPage', 'exitPage', 'entryEvent', 'exitEvent', 'duration', 'events', 'pages', 'bounce', ...Object.keys(OF_FIRST)];

/** A property of the session itself; undefined when it is unset. */
export function sessionValue(session: Session, name: string): string | number | boolean | undefined {
  const { own, joined, startMs, lastMs } = session;
  const pages = own.map(({ pagePath }) => pagePath).filter((path) => path !== '');
  const count = own.length + joined.length;
  if (name === 'entryPage') return pages[0];
  if (name === 'exitPage') return pages.at(-1);
  if (name === 'entryEvent') return own[0]?.eventName;
  if (name === 'exitEvent') return own.at(-1)?.eventName;
  if (name === 'pages') return pagesOf(session);
  if (name === 'duration') return (lastMs - startMs) / 1000;
  if (name === 'events') return count;
  if (name === 'bounce') return count === 1;
  const field = OF_FIRST[name];
  return field === undefined ? undefined : own[0]?.[field] || undefined;
}

/** The text of a property of the session, else of that of its first event; undefined when it is unset. */
function valueOf(session: Session, name: string): string | undefined {
  const [first] = session.own;
  if (!name.startsWith('session.')) return first && textOf(first, name);
  const value = sessionValue(session, name.slice('session.'.length));
  return value === undefined ? undefined : String(value);
}

/** '' for unset, which so sorts before every text. */
function sortable(text: string | undefined): string {
  return text === undefined ? '' : `=${cut(text)}`;
}

function compareKeys(a: string, b: string): number {
  const [left, right] = [JSON.parse(a) as string[], JSON.parse(b) as string[]];
  const at = left.findIndex((part, i) => part !== right[i]);
  return Buffer.compare(Buffer.from(left[at] ?? ''), Buffer.from(right[at] ?? ''));
}
