/**
 * Random histories of one small crowd: shared devices, logins, wrong clocks, backlogs, copies, conflicts, bad events,
 * times that are absent, ancient or far ahead. What is drawn is what people did; requests are made of it, so that a
 * failing history shrinks to few deeds.
 */
import type { IdentityDecision, ProjectRules, Request } from '@tidemark/model';
import fc from 'fast-check';
import { CRASH_POINTS, type CrashPoint } from './machine.ts';
import { MENDINGS, type MendingName } from './mendings.ts';
import type { Asked } from './questions.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const START_MS = Date.UTC(2026, 4, 3, 10);
/** Deeds lie within this from the beginning. */
const SPAN_MS = 8 * HOUR_MS;

/** A device's clock is wrong by so much; not all tell when they sent. */
const DEVICES = [
  { id: 'd1', wrongMs: 0, tells: true },
  { id: 'd2', wrongMs: 5 * HOUR_MS + 17_250, tells: true },
  { id: 'd3', wrongMs: -400 * DAY_MS, tells: true },
  { id: 'd4', wrongMs: -90_000, tells: false },
  { id: 'u1', wrongMs: 30_000, tells: true },
] as const;
const USERS = ['u1', 'u2', 'u3', 'd1'] as const;

export type Step =
  | { do: 'send'; request: Omit<Request, 'project'> }
  | { do: 'restart' }
  | { do: 'die'; at: CrashPoint }
  | { do: 'compact' }
  | { do: 'roll up' }
  | { do: 'rebuild' }
  /** All that is in quarantine, mended; `rules` are the project's from then on. `asked`: how many ask for it at once. */
  | { do: 'replay'; mending: MendingName; rules: ProjectRules; asked: 1 | 2 }
  /** Some answers, in between: what they leave in memory is not to show later. */
  | { do: 'ask' }
  /** Retention, at this time (epoch ms). */
  | { do: 'expire'; nowMs: number }
  /** The project is deleted. */
  | { do: 'purge' }
  | { do: 'decide'; decision: IdentityDecision };

export interface History {
  rules: ProjectRules;
  steps: Step[];
  asked: Asked;
}

/** A client may find out what was wrong with an event, and send it again as it should have been. */
type Says = 'the same' | 'other' | 'right';

interface Deed {
  device: number;
  /** 'device' does not say who, 'user' not where. */
  who: 'device' | 'user' | 'both';
  user: number;
  /** ms since the beginning. */
  atMs: number;
  name: string;
  /** Until it is sent. */
  delayMs: number;
  /** Further sendings of the same event, each so much later than the one before. */
  copies: readonly { laterMs: number; says: Says }[];
  /** What is odd about it. */
  odd: 'nothing' | 'bot' | 'no time' | 'ancient' | 'far ahead' | 'no id' | 'no name' | 'nobody' | 'illegal id' | 'bad time' | 'too deep' | 'too large' | 'no object';
  sequence: number | undefined;
  price: number | string | undefined;
  id: string;
}

export const BOT = 'Googlebot/2.1 (+http://www.google.com/bot.html)';

export function isBot(context: Record<string, unknown>): boolean {
  return context['userAgent'] === BOT;
}

const deed: fc.Arbitrary<Deed> = fc.record({
  device: fc.nat(DEVICES.length - 1),
  who: fc.constantFrom('device' as const, 'device' as const, 'user' as const, 'both' as const),
  user: fc.nat(USERS.length - 1),
  // Coarse, so that deeds fall into the same minute and the same millisecond.
  atMs: fc.oneof(fc.nat(2).map((n) => n * MINUTE_MS), fc.nat(SPAN_MS / (80 * MINUTE_MS)).map((n) => n * 80 * MINUTE_MS), fc.nat(SPAN_MS / MINUTE_MS).map((n) => n * MINUTE_MS + (n % 3))),
  name: fc.constantFrom('view', 'view', 'cart', 'buy', 'identify', 'group', 'alias'),
  delayMs: fc.constantFrom(0, 0, 0, 800, 5 * MINUTE_MS, 2 * HOUR_MS, 30 * HOUR_MS),
  copies: fc.oneof(
    { weight: 3, arbitrary: fc.constant([] as Deed['copies']) },
    { weight: 1, arbitrary: fc.array(fc.record({ laterMs: fc.constantFrom(0, 1_000, 3 * HOUR_MS), says: fc.constantFrom('the same' as const, 'the same' as const, 'right' as const, 'other' as const) }), { minLength: 1, maxLength: 2 }) },
  ),
  odd: fc.oneof(
    { weight: 12, arbitrary: fc.constant('nothing' as const) },
    { weight: 4, arbitrary: fc.constantFrom('bot' as const, 'no time' as const, 'ancient' as const, 'far ahead' as const) },
    { weight: 2, arbitrary: fc.constantFrom('no id' as const, 'no name' as const, 'nobody' as const, 'illegal id' as const, 'bad time' as const, 'too deep' as const, 'no object' as const) },
    { weight: 1, arbitrary: fc.constant('too large' as const) },
  ),
  sequence: fc.constantFrom(undefined, 0, 1, 2),
  price: fc.constantFrom(undefined, 1, 0.1, 0.2, 19.99, '7', 'free'),
  // Their order is not that of time.
  id: fc.string({ unit: fc.constantFrom('a', 'Z', '7', 'é'), maxLength: 2 }),
});

const interruption: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('die' as const), at: fc.constantFrom(...CRASH_POINTS) }) },
  { weight: 3, arbitrary: fc.constantFrom({ do: 'restart' as const }, { do: 'compact' as const }, { do: 'rebuild' as const }) },
  { weight: 2, arbitrary: fc.constant({ do: 'ask' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'roll up' as const }) },
);

const device = fc.constantFrom('device d1', 'device d2', 'device d3', 'device d4');
const user = fc.constantFrom('user u1', 'user u2', 'user u3');
const verdict = fc.constantFrom('merge' as const, 'cut' as const, 'cut' as const);

interface Decided {
  /** Any two, or the nodes of one of the links that are made: of the first logins, or of the aliases. */
  pair: readonly [a: string, b: string] | { login: number } | { alias: number };
  /** One after another, each after so many percent of the history. */
  verdicts: { percent: number; verdict: IdentityDecision['verdict'] }[];
}

/** Mostly about what a login or an alias has joined: what else is cut was never one. Some change their mind. */
const decided: fc.Arbitrary<Decided> = fc.record({
  pair: fc.oneof(
    { weight: 3, arbitrary: fc.record({ login: fc.nat(4) }) },
    { weight: 2, arbitrary: fc.record({ alias: fc.nat(3) }) },
    { weight: 3, arbitrary: fc.oneof(fc.tuple(device, user), fc.tuple(user, user), fc.tuple(fc.constantFrom('device u1', 'user d1'), fc.oneof(device, user))).filter(([a, b]) => a !== b) },
  ),
  verdicts: fc.array(fc.record({ percent: fc.nat(99), verdict }), { minLength: 1, maxLength: 3, size: 'max' }),
});

const rules: fc.Arbitrary<ProjectRules> = fc.record({ bots: fc.constantFrom('flag', 'flag', 'drop'), retentionDays: fc.constantFrom(null, null, 30) });

const replay: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('replay' as const),
  mending: fc.constantFrom('nothing' as const, ...(Object.keys(MENDINGS) as MendingName[])),
  rules,
  asked: fc.constantFrom(1 as const, 2 as const),
});

/** Histories that begin at `startMs` (epoch ms), with up to so many interruptions. */
export function histories({ minDeeds = 16, maxDeeds = 48, interruptions = 3, replays = 0, startMs = START_MS } = {}): fc.Arbitrary<History> {
  return fc
    .record({
      rules,
      deeds: fc.array(deed, { minLength: minDeeds, maxLength: maxDeeds, size: 'max' }),
      interruptions: fc.array(fc.tuple(fc.nat(99), interruption), { maxLength: interruptions }),
      replays: fc.array(fc.tuple(fc.integer({ min: 20, max: 100 }), replay), { maxLength: replays }),
      decisions: fc.array(decided, { maxLength: 5, size: 'max' }),
    })
    .map(({ rules, deeds, interruptions, replays, decisions }) => {
      const steps: Step[] = requestsOf(deeds, startMs).map((request) => ({ do: 'send', request }));
      for (const [percent, step] of [...interruptions, ...replays, ...decisions.flatMap((each) => decisionsOf(each, deeds))]) steps.splice(Math.ceil((percent * steps.length) / 100), 0, step);
      return { rules, steps, asked: { ...ASKED, fromMs: startMs - 2 * HOUR_MS, toMs: startMs + 48 * HOUR_MS, nowMs: startMs + 48 * HOUR_MS } };
    });
}

const ASKED: Omit<Asked, 'fromMs' | 'toMs' | 'nowMs'> = {
  steps: ['view', 'cart', 'buy'],
  ids: [...new Set([...DEVICES.map(({ id }) => id), ...USERS, 'nobody at all'])],
  breakdown: 'properties.price',
  number: 'properties.price',
  granularity: 'hour',
};

/** What is about a link that nobody made is left out. */
function decisionsOf({ pair, verdicts }: Decided, deeds: readonly Deed[]): [percent: number, step: Step][] {
  const joined = 'login' in pair ? firstLogins(deeds)[pair.login] : 'alias' in pair ? aliases(deeds)[pair.alias] : pair;
  if (joined === undefined) return [];
  const [a, b] = joined;
  return verdicts.map(({ percent, verdict }) => [percent, { do: 'decide', decision: { verdict, a, b } }]);
}

/** Device and user of the earliest login on each device. */
function firstLogins(deeds: readonly Deed[]): [string, string][] {
  const logins = deeds.filter(({ who, odd, name }) => who === 'both' && odd === 'nothing' && name !== 'alias').toSorted((a, b) => a.atMs - b.atMs);
  return DEVICES.flatMap(({ id }, index) => logins.filter((each) => each.device === index).slice(0, 1).map(({ user }): [string, string] => [`device ${id}`, `user ${USERS[user]}`]));
}

function aliases(deeds: readonly Deed[]): [string, string][] {
  const named = deeds.filter(({ name, odd }) => name === 'alias' && odd === 'nothing');
  return named.map((deed) => {
    const { userId, previousId } = aliasOf(deed);
    return [`user ${userId}`, `user ${previousId}`];
  });
}

function aliasOf({ user, device, sequence }: Deed): { userId: string; previousId: string } {
  return { userId: USERS[user]!, previousId: sequence === 1 ? USERS[(user + 1) % USERS.length]! : DEVICES[device]!.id };
}

/** Requests in the order in which they come: what one device sends in one minute is one batch. */
function requestsOf(deeds: readonly Deed[], startMs: number): Omit<Request, 'project'>[] {
  const batches = new Map<string, Omit<Request, 'project'> & { events: unknown[] }>();
  for (const [number, deed] of deeds.entries()) {
    const { id, wrongMs, tells } = DEVICES[deed.device]!;
    let sentMs = startMs + deed.atMs + deed.delayMs;
    for (const { laterMs, says } of [{ laterMs: 0, says: 'the same' } as const, ...deed.copies]) {
      sentMs += laterMs;
      const minuteMs = Math.ceil(sentMs / MINUTE_MS) * MINUTE_MS;
      const key = `${minuteMs} ${id}`;
      const batch = batches.get(key) ?? {
        source: deed.device === 1 ? 'app' : 'web',
        receivedAtMs: minuteMs + 700 + deed.device,
        ...(tells ? { sentAt: new Date(minuteMs + wrongMs).toISOString() } : {}),
        events: [] as unknown[],
      };
      batches.set(key, batch);
      batch.events.push(eventOf(deed, number, startMs, says));
    }
  }
  return [...batches.values()].toSorted((a, b) => a.receivedAtMs - b.receivedAtMs);
}

function eventOf(deed: Deed, number: number, startMs: number, says: Says): unknown {
  const device = DEVICES[deed.device]!;
  const timestamp = new Date(startMs + deed.atMs + device.wrongMs).toISOString();
  const event: Record<string, unknown> = {
    eventId: `${deed.id}${number}`,
    eventName: deed.name,
    timestamp,
    ...(deed.who === 'user' ? {} : { anonymousId: device.id }),
    ...(deed.who === 'device' ? {} : { userId: USERS[deed.user] }),
    ...(deed.sequence === undefined ? {} : { sequence: deed.sequence }),
    ...(deed.price === undefined ? {} : { properties: { price: deed.price } }),
    ...MORE[deed.name]?.(deed),
  };
  if (says === 'other') event['properties'] = { price: 1_000_000 };
  return ODD[says === 'right' ? 'nothing' : deed.odd](event);
}

/** What events of some names carry besides. */
const MORE: Record<string, (deed: Deed) => object> = {
  identify: ({ sequence }) => ({ type: 'identify', traits: { plan: sequence === 1 ? 'pro' : 'free' } }),
  group: ({ device, sequence }) => ({ type: 'group', groupId: `g${device % 2}`, traits: { tier: sequence === 1 ? 'gold' : 'plain' } }),
  alias: (deed) => ({ type: 'alias', ...aliasOf(deed) }),
};

const ODD: Record<Deed['odd'], (event: Record<string, unknown>) => unknown> = {
  nothing: (event) => event,
  bot: (event) => ({ ...event, context: { userAgent: BOT } }),
  'no time': (event) => ({ ...event, timestamp: undefined }),
  ancient: (event) => ({ ...event, timestamp: '1999-12-31T23:59:59.999Z' }),
  'far ahead': (event) => ({ ...event, timestamp: '2041-01-01T00:00:00Z' }),
  'no id': (event) => ({ ...event, eventId: undefined }),
  'no name': (event) => ({ ...event, eventName: undefined, type: undefined }),
  nobody: (event) => ({ ...event, userId: undefined, anonymousId: undefined }),
  'illegal id': (event) => ({ ...event, userId: 'undefined' }),
  'bad time': (event) => ({ ...event, timestamp: '2026-05-03' }),
  'too deep': (event) => ({ ...event, properties: JSON.parse(`${'{"a":'.repeat(30)}1${'}'.repeat(30)}`) }),
  'too large': (event) => ({ ...event, properties: { text: 'x'.repeat(70_000) } }),
  'no object': () => 'an event',
};
