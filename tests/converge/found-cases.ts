/**
 * One small history for each rule, with what must come of it written beside; histories that once ended at another answer
 * than the model's come here, too. All are tried on every run.
 */
import type { IdentityDecision, ProjectRules } from '@tidemark/model';
import type { Comparable, Part } from './answers.ts';
import { BOT, type History, type Step } from './history.ts';
import type { MendingName } from './mendings.ts';

export interface Case {
  rule: string;
  history: History;
  /** What is looked at of the answers: which parts, what of them, and what it must be. */
  of: readonly Part[];
  shows: (answers: Comparable) => unknown;
  is: unknown;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const START_MS = Date.UTC(2026, 4, 3, 10);
const KEPT_30_DAYS: ProjectRules = { bots: 'flag', retentionDays: 30 };

/** A view at a minute from the start. */
function view(eventId: string, minute: number, more: object = {}): Record<string, unknown> {
  return { eventId, eventName: 'view', timestamp: at(minute), ...more };
}

function at(minute: number): string {
  return new Date(START_MS + minute * MINUTE_MS).toISOString();
}

/** Received at a minute from the start. */
function send(minute: number, ...events: unknown[]): Step {
  return { do: 'send', request: { source: 'web', receivedAtMs: START_MS + minute * MINUTE_MS, events } };
}

function decide(verdict: IdentityDecision['verdict'], a: string, b: string): Step {
  return { do: 'decide', decision: { verdict, a, b } };
}

/** All that is in quarantine, asked for by so many at once. */
function replay(mending: 'nothing' | MendingName, asked: 1 | 2 = 1): Step {
  return { do: 'replay', mending, rules: { bots: 'flag', retentionDays: null }, asked };
}

/** Retention of 30 days, when what is older than a minute from the start goes. */
function expire(minute: number): Step {
  return { do: 'expire', nowMs: START_MS + minute * MINUTE_MS + 30 * DAY_MS };
}

function history(ids: string[], steps: Step[], { rules = { bots: 'flag', retentionDays: null }, ...asked }: { rules?: ProjectRules; rollups?: false } = {}): History {
  const toMs = START_MS + 6 * HOUR_MS;
  const times = { fromMs: START_MS - HOUR_MS, toMs, nowMs: toMs };
  return { rules, steps, asked: { steps: ['view', 'cart'], ids, breakdown: 'properties.price', number: 'properties.price', granularity: 'hour', ...times, ...asked } };
}

const timelines = (answers: Comparable): unknown => answers.timelines;
/** Events and users of the whole range, bots too. */
const totals = ({ trends }: Comparable): unknown => trends[0]!.map(({ total }) => total);
const [ann, bob, d1] = [{ userId: 'ann' }, { userId: 'bob' }, { anonymousId: 'd1' }];
const alias = { eventName: 'alias', type: 'alias' };

export const CASES: readonly Case[] = [
  {
    rule: 'I1: a late login changes whose an earlier event is',
    history: history(['ann', 'd1'], [send(1, view('1', 0, d1)), { do: 'ask' }, send(60, view('2', 50, { ...d1, ...ann }))]),
    of: ['timelines'],
    shows: timelines,
    is: { ann: ['1', '2'], d1: ['1', '2'] },
  },
  {
    rule: 'I1: the earliest claim owns the device, also when it comes last',
    history: history(['ann', 'bob'], [send(30, view('1', 20, { ...d1, ...bob }), view('2', 21, d1)), { do: 'ask' }, { do: 'restart' }, send(60, view('3', 10, { ...d1, ...ann }))]),
    of: ['timelines'],
    shows: timelines,
    is: { ann: ['3', '2'], bob: ['1'] },
  },
  {
    rule: 'I1: of claims at one time that of the least eventId counts, by bytes, whichever came first',
    history: history(['ann', 'bob'], [send(1, view('é', 0, { ...d1, ...ann }), view('x', 1, d1)), { do: 'ask' }, send(2, view('b', 0, { ...d1, ...ann })), { do: 'ask' }, send(3, view('Z', 0, { ...d1, ...bob }))]),
    of: ['timelines'],
    shows: timelines,
    is: { ann: ['b', 'é'], bob: ['Z', 'x'] },
  },
  {
    rule: 'I2: a second user of a device keeps what is theirs',
    history: history(['ann', 'bob'], [send(30, view('1', 0, { ...d1, ...ann }), view('2', 1, { ...d1, ...bob }), view('3', 2, d1))]),
    of: ['timelines'],
    shows: timelines,
    is: { ann: ['1', '3'], bob: ['2'] },
  },
  {
    rule: 'I4, I6: an alias joins, and the person is named by who was first, also when that turns out late',
    history: history(['ann', 'bob'], [send(30, view('1', 10, ann), view('2', 11, bob), view('3', 12, { ...alias, ...ann, previousId: 'bob' })), { do: 'ask' }, send(40, view('4', 5, bob))]),
    of: ['timelines', 'exported'],
    shows: ({ timelines: { ann: events }, exported }) => ({ events, names: [...new Set(exported.map(({ personId }) => personId))] }),
    is: { events: ['4', '1', '2', '3'], names: ['bob'] },
  },
  {
    rule: 'I5: a claim that is cut counts no more, nor do later ones of the pair',
    history: history(['ann', 'bob'], [send(5, view('1', 0, { ...d1, ...ann }), view('2', 1, d1)), { do: 'ask' }, decide('cut', 'device d1', 'user ann'), send(9, view('3', 3, { ...d1, ...bob }), view('4', 2, { ...d1, ...ann }))]),
    of: ['timelines'],
    shows: timelines,
    is: { ann: ['1', '4'], bob: ['2', '3'] },
  },
  {
    rule: 'I5: two users are merged and cut again, and a device is given back to whom it was cut from',
    history: history(['ann', 'bob', 'cid'], [
      send(5, view('1', 0, { ...d1, ...ann }), view('2', 1, d1), view('3', 2, bob), view('4', 3, { userId: 'cid' })),
      decide('merge', 'user ann', 'user bob'), decide('merge', 'user bob', 'user cid'), decide('cut', 'device d1', 'user ann'), { do: 'ask' },
      decide('cut', 'user ann', 'user bob'), { do: 'ask' }, decide('merge', 'user ann', 'device d1'),
    ]),
    of: ['timelines'],
    shows: timelines,
    is: { ann: ['1', '2'], bob: ['3', '4'], cid: ['3', '4'] },
  },
  {
    rule: 'I5: a cut takes an alias away, for aliases to come as well',
    history: history(['ann', 'bob'], [
      send(5, view('1', 0, ann), view('2', 1, bob), view('3', 2, { ...alias, ...ann, previousId: 'bob' })), { do: 'ask' },
      decide('cut', 'user bob', 'user ann'), send(6, view('4', 3, { ...alias, ...bob, previousId: 'ann' })),
    ]),
    of: ['timelines'],
    shows: timelines,
    is: { ann: ['1', '3'], bob: ['2', '4'] },
  },
  {
    rule: 'I9, P3: claims, aliases and traits outlive what retention removes, through a restart and a rebuild; names go with the events',
    history: history(['ann', 'bob', 'd1', 'd2'], [
      send(200,
        view('1', 0, { ...d1, ...ann }), view('2', 1, { type: 'identify', ...ann, traits: { plan: 'pro' } }), view('3', 2, { ...alias, ...ann, previousId: 'bob' }), view('4', 3, { ...alias, ...bob, previousId: 'd2' }),
        view('5', 100, d1), view('6', 101, bob), view('7', 102, { anonymousId: 'd2' })),
      expire(60), { do: 'restart' }, { do: 'rebuild' }, send(210, view('8', 103, d1), view('1', 0, { ...d1, ...ann })),
    ], { rules: KEPT_30_DAYS, rollups: false }),
    of: ['trends', 'timelines', 'exported'],
    shows: (answers) => ({ timelines: answers.timelines, plans: answers.trends[1]!.map(({ breakdown, total }) => [...breakdown, total]).slice(0, 4), names: [...new Set(answers.exported.map(({ personId }) => personId))] }),
    is: { timelines: { ann: ['5', '6', '7', '8'], bob: ['5', '6', '7', '8'], d1: ['5', '6', '7', '8'], d2: ['5', '6', '7', '8'] }, plans: [['pro', 4], ['pro', 1], ['pro', 0]], names: ['bob'] },
  },
  {
    rule: 'T8: what is older than retention leaves every answer, to the millisecond, and its copies do not bring it back',
    history: history(['ann', 'd1'], [
      send(90, view('1', 0, ann), view('2', 59, d1), { ...view('3', 60, ann), timestamp: START_MS + HOUR_MS - 1 }, view('4', 60, ann)),
      expire(60), { do: 'rebuild' }, send(95, view('1', 0, ann), view('2', 59, d1), view('4', 60, ann)),
    ], { rules: KEPT_30_DAYS, rollups: false }),
    of: ['trends', 'timelines', 'exported'],
    shows: (answers) => [answers.timelines, answers.exported.map(({ eventId }) => eventId), totals(answers)],
    is: [{ ann: ['4'], d1: [] }, ['4'], [1, 1]],
  },
  {
    rule: 'I9: a project\'s claims, aliases and traits go with it, and a rebuild does not bring them back',
    history: history(['ann', 'd1'], [
      send(5, view('1', 0, { ...d1, ...ann, type: 'identify', traits: { plan: 'pro' } }), view('2', 1, { ...alias, ...ann, previousId: 'd1' })), { do: 'roll up' }, { do: 'purge' }, { do: 'rebuild' },
      send(9, view('1', 0, { ...d1, ...ann }), view('3', 4, d1), view('4', 4, ann)),
    ]),
    of: ['trends', 'timelines'],
    shows: (answers) => [answers.timelines, answers.trends[1]!.map(({ breakdown }) => breakdown[0])],
    is: [{ ann: ['4'], d1: ['3'] }, ['(not set)', '(not set)', '(not set)']],
  },
  {
    rule: 'L1: at one time by sequence, then by the bytes of the eventId',
    history: history(['ann'], [send(5, ...[['a', 3], ['b', 2], ['é', 1], ['z', 1], ['Y', 1]].map(([id, sequence]) => view(id as string, 0, { ...ann, sequence })))]),
    of: ['timelines'],
    shows: timelines,
    is: { ann: ['Y', 'z', 'é', 'b', 'a'] },
  },
  {
    rule: 'F2: what happened at one time follows the sequence, in funnels',
    history: history(['ann'], [send(5, view('1', 0, { ...ann, sequence: 2 }), view('2', 0, { ...ann, eventName: 'cart', sequence: 1 }), view('3', 0, bob), view('4', 0, { ...bob, eventName: 'cart' }))]),
    of: ['funnels'],
    shows: ({ funnels }) => funnels[0]!.steps.map(({ users }) => users),
    is: [2, 1],
  },
  {
    rule: 'X1: the first copy wins, within a request and over a restart, and an earlier receivedAt does not help',
    history: history(['ann'], [
      send(5, view('1', 0, { ...ann, properties: { price: 1 } }), view('1', 0, { ...ann, properties: { price: 100 } })), { do: 'die', at: 'applied' },
      send(3, view('1', 0, { ...ann, properties: { price: 1_000 } })), { do: 'restart' }, { do: 'rebuild' }, send(6, view('1', 0, { ...bob, properties: { price: 1 } }), view('1', 0, { ...ann, properties: { price: 1 } })),
    ]),
    of: ['balance', 'exported'],
    shows: ({ balance: { stored, duplicate, conflict }, exported }) => [stored, duplicate, conflict, ...exported.map(({ properties, userId, receivedAtMs }) => [JSON.parse(properties), userId, receivedAtMs - START_MS])],
    is: [1, 4, 3, [{ price: 1 }, 'ann', 5 * MINUTE_MS]],
  },
  {
    rule: 'T4: a clock that is wrong by more than two minutes is set right by sentAt, a batch\'s or an event\'s own',
    history: history(['ann'], [
      { do: 'send', request: { source: 'web', receivedAtMs: START_MS + HOUR_MS, sentAt: at(60 + 300), events: [view('1', 300, ann), view('2', 10, { ...ann, sentAt: at(60) }), view('3', 300, { ...ann, sentAt: at(58) })] } },
      { do: 'send', request: { source: 'web', receivedAtMs: START_MS + HOUR_MS, sentAt: at(58), events: [view('4', 20, ann)] } },
    ]),
    of: ['exported'],
    shows: ({ exported }) => exported.map(({ eventId, timeMs }) => [eventId, (timeMs - START_MS) / MINUTE_MS]),
    // The third is set right to no purpose: what is beyond an hour ahead is as of now (T6).
    is: [['1', 0], ['2', 10], ['3', 60], ['4', 20]],
  },
  {
    rule: 'T5: what comes hours late counts when it happened, in rollups too',
    history: history(['ann'], [send(1, view('1', 0, ann)), send(300, view('2', 299, bob)), { do: 'roll up' }, { do: 'ask' }, send(301, view('3', 0, bob), view('4', 1, { ...d1, ...ann })), { do: 'ask' }, { do: 'roll up' }, send(302, view('5', 2, d1))]),
    of: ['trends'],
    shows: ({ trends }) => trends[0]!.map(({ total, points }) => [total, points[1]!.value]),
    is: [[5, 4], [2, 2]],
  },
  {
    rule: 'Q5, S4: bots are counted only where they are asked for',
    history: history(['ann'], [send(5, view('1', 0, ann), view('2', 1, { ...bob, context: { userAgent: BOT } }), view('3', 2, { ...ann, context: { userAgent: BOT } }))]),
    of: ['trends', 'sessions', 'timelines'],
    shows: ({ trends, sessions, timelines: { ann: events } }) => [trends[0]!.map(({ total }) => total), trends[1]!.map(({ total }) => total), sessions.map(([whole]) => whole!.sessions), events],
    is: [[3, 2], [1, 1, 0], [1, 3], ['1', '3']],
  },
  {
    rule: 'N4: a project may drop bots',
    history: history(['ann'], [send(5, view('1', 0, ann), view('2', 1, { ...ann, context: { userAgent: BOT } }))], { rules: { bots: 'drop', retentionDays: null } }),
    of: ['balance', 'timelines'],
    shows: ({ balance: { stored, filtered }, timelines: { ann: events } }) => [stored, filtered, events],
    is: [1, 1, ['1']],
  },
  {
    rule: 'R3, R4, R6, R7: what is replayed leaves the quarantine and its count, once, whoever asks and dies; what is as bad as before stays',
    history: history(['ann'], [
      send(5, view('1', 0, ann), { ...view('2', 1, ann), eventName: undefined }, { ...view('3', 2, ann), eventName: undefined }, view('4', 3, { userId: 'undefined' })),
      replay('nothing'), replay('names', 2), { do: 'die', at: 'applied' }, replay('names'), { do: 'restart' }, send(9, view('2', 1, ann)),
    ]),
    of: ['balance', 'timelines'],
    shows: ({ balance, timelines: { ann: events } }) => [balance, events],
    is: [{ received: 5, stored: 3, duplicate: 1, conflict: 0, quarantined: 1, filtered: 0, rejected: 0 }, ['1', '2', '3']],
  },
  {
    rule: 'S1: a late event makes two sessions one, exactly the gap still belongs, and each user of a device has their own',
    history: history(['ann'], [send(90, view('1', 0, { ...d1, ...ann }), view('2', 60, { ...d1, ...ann }), view('3', 61, { ...d1, ...bob })), { do: 'roll up' }, { do: 'ask' }, send(91, view('4', 30, d1))]),
    of: ['sessions'],
    shows: ({ sessions }) => [sessions[0]![0]!.sessions, sessions[0]![0]!.users],
    is: [2, 2],
  },
  {
    rule: 'S3: what a server sends falls into the session that spans it',
    history: history(['ann'], [send(90, view('1', 0, ann), view('2', 20, { ...ann, ...d1 }), view('3', 50, ann), view('4', 51, ann))]),
    of: ['sessions'],
    shows: ({ sessions }) => [sessions[0]![0]!.sessions, sessions[0]![0]!.eventsPerSession],
    is: [3, 4 / 3],
  },
];
