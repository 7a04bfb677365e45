/** Small random histories in which much happens at once: shared devices, same milliseconds, repeats, bots. */
import fc from 'fast-check';
import type { StoredEvent } from '@tidemark/event';
import { COHORTS } from './saved-cohorts.ts';
import { storedEvent } from './store.ts';

export interface HistoryShape {
  /** Event times lie within this from `startMs`. */
  spanMs: number;
  startMs: number;
  /** Times are whole multiples of this: the coarser, the more events share one. */
  stepMs: number;
  names?: readonly string[];
  who?: fc.Arbitrary<Ids>;
  minEvents?: number;
  maxEvents?: number;
}

const price = fc.oneof(
  fc.integer({ min: -3, max: 30 }),
  fc.constantFrom(0.1, 0.2, 0.3, 1e16, -1e16, 1e60, -1e60, 1e-19, 19.99, '19.99', 'free', '', true, null),
);
const plan = fc.constantFrom('free', 'pro', 'Pro', 'team', "o'brien", 'other', '(not set)', null, 12, true, ['pro', 'beta']);

/** Where somebody was and came from. Some events are of no page and of nowhere, as servers' are. */
const context = fc.oneof(
  { weight: 1, arbitrary: fc.constant({}) },
  {
    weight: 4,
    arbitrary: fc.record(
      {
        page: fc.record({ path: fc.constantFrom('/', '/cart', '/thanks') }),
        channel: fc.constantFrom('direct', 'paid'),
        campaign: fc.record({ source: fc.constantFrom('news', 'ads'), medium: fc.constant('cpc'), name: fc.constantFrom('spring', "o'brien") }, { requiredKeys: [] }),
        geo: fc.record({ country: fc.constantFrom('DE', 'FR') }),
        device: fc.record({ type: fc.constant('mobile') }),
        'a.b': fc.constantFrom(1, 'pro'),
      },
      { requiredKeys: [] },
    ),
  },
);

/** userId and anonymousId of an event. */
export type Ids = readonly [userId: string, anonymousId: string];
const OFTEN: readonly Ids[] = [['ann', ''], ['', 'd1'], ['', 'd2'], ['ann', 'd1']];
const SELDOM: readonly Ids[] = [['bob', ''], ['bob', 'd1'], ['bob', 'd2'], ['d1', ''], ['', 'd3']];
const anybody = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...OFTEN) }, { weight: 1, arbitrary: fc.constantFrom(...SELDOM) });

/** Events of one project, each with an eventId of its own; ids are dealt so that their order is not that of time. */
export function history(project: string, shape: HistoryShape): fc.Arbitrary<StoredEvent[]> {
  const { spanMs, startMs, stepMs, names = ['view', 'cart', 'buy'], who = anybody, minEvents = 0, maxEvents = 40 } = shape;
  const event = fc.record({
    eventName: fc.constantFrom(...names),
    who,
    at: fc.nat({ max: Math.floor(spanMs / stepMs) }),
    sequence: fc.constantFrom(0, 0, 1, 2, -1),
    bot: fc.constantFrom(false, false, false, false, false, false, true),
    properties: fc.record({ price, plan, 'a.b': fc.constantFrom(1, 2), a: fc.constantFrom<(string | { b: number | null | string[] })[]>('x', { b: 2 }, { b: null }, { b: ['pro', 'x'] }) }, { requiredKeys: [] }),
    traits: fc.record({ plan }, { requiredKeys: [] }),
    type: fc.constantFrom('track' as const, 'track' as const, 'page' as const, 'screen' as const),
    context,
    id: fc.string({ unit: fc.constantFrom('a', 'b', 'Z', 'é'), maxLength: 3 }),
  });
  return fc.array(event, { minLength: minEvents, maxLength: maxEvents, size: 'max' }).map((sketches) =>
    sketches.map(({ who: [userId, anonymousId], at, id, ...rest }, i) =>
      storedEvent({ project, userId, anonymousId, eventId: `${id}${i}`, timeMs: startMs + at * stepMs, ...columnsOf(rest.context), ...rest }),
    ),
  );
}

/** What the door keeps of a context in columns of its own. */
function columnsOf({ page, channel, campaign, geo, device }: { page?: { path: string }; channel?: string; campaign?: { source?: string; medium?: string; name?: string }; geo?: { country: string }; device?: { type: string } }): Partial<StoredEvent> {
  return {
    pagePath: page?.path ?? '', channel: channel ?? '', country: geo?.country ?? '', deviceType: device?.type ?? '',
    campaignSource: campaign?.source ?? '', campaignMedium: campaign?.medium ?? '', campaignName: campaign?.name ?? '',
  };
}

/** The events, half of them of one of two accounts; some of these tell what is known of the account (rule P4). */
export function inGroups(events: fc.Arbitrary<StoredEvent[]>): fc.Arbitrary<StoredEvent[]> {
  const account = fc.record({ groupId: fc.constantFrom('', '', 'acme', 'umbrella'), tells: fc.constantFrom(true, false, false) });
  return fc.tuple(events, fc.array(account, { minLength: 45, maxLength: 45 })).map(([all, accounts]) =>
    all.map((event, i) => {
      const { groupId = '', tells = false } = accounts[i] ?? {};
      return { ...event, groupId, ...(tells && groupId !== '' && { type: 'group' as const }) };
    }),
  );
}

const scalar = fc.constantFrom<string | number | boolean>('free', 'pro', 'Pro', "o'brien", '', 12, '12', 0.1, 19.99, 1e16, true, 'true', 'view', 'ann', 'd1');
const property = fc.constantFrom('properties.price', 'properties.plan', 'properties.a.b', 'traits.plan', 'eventName', 'userId', 'anonymousId', 'properties.never');
const ofContext = fc.constantFrom('context.page.path', 'context.channel', 'context.campaign.source', 'context.campaign.name', 'context.geo.country', 'context.device.type', 'context.a.b', 'context.page', 'context.never');
const ofSession = fc.constantFrom('session.entryPage', 'session.exitPage', 'session.entryEvent', 'session.exitEvent', 'session.source', 'session.medium', 'session.campaign', 'session.channel', 'session.country', 'session.deviceType', 'session.duration', 'session.events', 'session.pages', 'session.bounce');
const ofCohort = fc.constantFrom(...COHORTS.map((name) => `cohort.${name}`));
/** Of the event, of what is known of whose it is, of where it was done, of its session, or of a cohort. Questions that draw it are asked withSavedCohorts. */
export const anyProperty = fc.oneof(
  { weight: 6, arbitrary: property },
  { weight: 2, arbitrary: fc.constantFrom('person.plan', 'group.plan', 'groupId', 'type', 'person.never') },
  { weight: 2, arbitrary: ofContext },
  { weight: 1, arbitrary: ofSession },
  { weight: 1, arbitrary: ofCohort },
);
const condition = fc.oneof(
  { weight: 2, arbitrary: fc.record({ property: anyProperty, op: fc.constantFrom('=', '!=', '>', '>=', '<', '<='), value: scalar }) },
  { weight: 2, arbitrary: fc.record({ property: anyProperty, op: fc.constantFrom('in', 'not_in'), value: fc.array(scalar, { minLength: 1, maxLength: 3 }) }) },
  { weight: 2, arbitrary: fc.record({ property: anyProperty, op: fc.constantFrom('contains', 'not_contains'), value: fc.constantFrom('pr', 'O', "'", '', ', b', '1', 'A') }) },
  { weight: 2, arbitrary: fc.record({ property: anyProperty, op: fc.constant('matches'), value: fc.constantFrom('^p', 'o$', '[0-9]+', "o'b", '', 'P.o', '^/') }) },
  { weight: 2, arbitrary: fc.record({ property: anyProperty, op: fc.constantFrom('is_set', 'is_not_set') }) },
  // With values that there are.
  { weight: 1, arbitrary: fc.record({ property: fc.oneof(ofContext, ofSession), op: fc.constantFrom('=', '!=', 'in', 'not_in'), value: fc.constantFrom('/', '/cart', 'paid', 'ads', 'spring', 'DE', 'mobile', 'view', 1) }).map(({ value, op, ...rest }) => ({ ...rest, op, value: op.endsWith('in') ? [value, '/thanks'] : value })) },
  { weight: 1, arbitrary: fc.record({ property: ofCohort, op: fc.constantFrom('=', '!='), value: fc.constantFrom('in', 'not in') }) },
  { weight: 1, arbitrary: fc.record({ property: fc.constant('cohort'), op: fc.constantFrom('in', 'not_in'), value: fc.uniqueArray(fc.constantFrom(...COHORTS), { minLength: 1, maxLength: 2 }) }) },
  { weight: 1, arbitrary: fc.record({ property: fc.constantFrom('session.duration', 'session.events', 'session.pages'), op: fc.constantFrom('=', '!=', '>', '>=', '<', '<='), value: fc.constantFrom(0, 1, 2, 600, 1800) }) },
);

/** `where` of a question; most often none, or too little would be left to disagree on. */
export const where = fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, fc.array(fc.oneof({ weight: 3, arbitrary: condition }, { weight: 1, arbitrary: fc.record({ any: fc.array(condition, { minLength: 1, maxLength: 3 }) }) }), { minLength: 1, maxLength: 2 }));

export const breakdown = fc.oneof(fc.constant<string[]>([]), fc.uniqueArray(anyProperty, { minLength: 1, maxLength: 3 }));

/** Bounded in time, so that a failure is shrunk and told (with its seed) before the test itself times out. */
export const PROPERTY_RUN = { numRuns: 15, interruptAfterTimeLimit: 45_000 };

/** `usual` runs, or as many as `TIDEMARK_KINDS_RUNS` says: so many are run, too, if each takes no longer than 10 s. */
export function kindsRun(usual: number): { numRuns: number; interruptAfterTimeLimit: number; timeoutMs: number } {
  const numRuns = Number(process.env['TIDEMARK_KINDS_RUNS'] ?? usual);
  const interruptAfterTimeLimit = Math.max(45_000, numRuns * 10_000);
  return { numRuns, interruptAfterTimeLimit, timeoutMs: Math.max(180_000, interruptAfterTimeLimit + 60_000) };
}
