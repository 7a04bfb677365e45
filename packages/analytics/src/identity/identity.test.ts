/** Identity as the model has it (rules I1 to I9), whoever shares, aliases, merges and cuts, in whatever order it arrives. */
import { attribution, funnel, personOf, sessions, timeline, trend } from '@tidemark/model';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../asking/ask.ts';
import type { AskContext } from '../asking/ask-context.ts';
import { exportEvents } from '../timeline/export.ts';
import { readPerson } from './identity-view.ts';
import { WarehouseIdentities } from './identities.ts';
import { plainIdentity } from './project-identity.ts';
import { timelineQuery } from '../timeline/timeline.ts';
import { asModel, identityHistory, IDS } from '../testing/identity-histories.ts';
import { askPeople } from '../people/people.ts';
import { throughTable } from '../testing/through-table.ts';
import { openTestStore, storedEvent, type TestStore } from '../testing/store.ts';

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store.close());

const RUNS = Number(process.env['TIDEMARK_IDENTITY_RUNS'] ?? 5);
const FROM = '2026-05-03T10:00:00Z';
const TO = '2026-05-03T10:00:10Z';
const range = { fromMs: Date.parse(FROM), toMs: Date.parse(TO) };
const STEPS = [{ event: 'view' }, { event: 'cart' }, { event: 'buy' }];

interface Answers {
  users: number;
  /** Of a cohort of all who did anything. */
  members: number;
  attributed: { conversions: number; users: number; withoutTouch: number };
  sessions: number;
  steps: number[];
  timelines: Record<string, string[]>;
  /** Events of the person of each id, as GET /api/identities/{id} tells. */
  events: Record<string, number>;
  /** personId of each event. */
  people: Record<string, string>;
}

async function answersOf(context: AskContext): Promise<Answers> {
  const asked = { from: FROM, to: TO };
  const counted = (await ask('trend', { ...asked, series: [{ measure: 'users' }] }, context)) as unknown as { series: { total: number }[] };
  const { size: members } = (await ask('cohort', { ...asked, all: [{ did: '*' }] }, context)) as unknown as { size: number };
  const touched = (await ask('attribution', { ...asked, conversion: { event: 'buy' }, touch: { event: 'view' }, lookback: '5s', breakdown: [] }, context)) as unknown as Answers['attributed'];
  const visited = (await ask('sessions', { ...asked, gap: '2s' }, context)) as unknown as { sessions: number };
  const chained = (await ask('funnel', { ...asked, window: '5s', steps: STEPS }, context)) as unknown as { steps: { users: number }[] };
  const timelines: Record<string, string[]> = {};
  for (const id of IDS) timelines[id] = (await timelineQuery({ id }, context)).events.map(({ eventId }) => eventId);
  const identity = (await context.identities?.of(context.project)) ?? plainIdentity(context.project);
  const events: Record<string, number> = {};
  for (const id of IDS) events[id] = (await readPerson({ id }, identity, context.warehouse)).nodes.reduce((sum, node) => sum + node.events, 0);
  const chunks: Buffer[] = [];
  for await (const chunk of exportEvents({ from: '2026-05-03', to: '2026-05-04' }, { ...context, identity }).stream()) chunks.push(chunk);
  const lines = Buffer.concat(chunks).toString().trimEnd().split('\n').map((line) => JSON.parse(line) as { eventId: string; personId: string });
  return {
    users: counted.series[0]?.total ?? -1,
    members,
    attributed: { conversions: touched.conversions, users: touched.users, withoutTouch: touched.withoutTouch },
    sessions: visited.sessions,
    steps: chained.steps.map(({ users }) => users),
    timelines,
    events,
    people: Object.fromEntries(lines.map(({ eventId, personId }) => [eventId, personId])),
  };
}

describe('identity', () => {
  it('is the model’s in every answer, inline and through the table', async () => {
    let round = 0;
    await fc.assert(
      fc.asyncProperty(identityHistory, fc.boolean(), async ({ events, arrivals, decisions }, isInTable) => {
        const project = `identity${++round}`;
        for (const lot of arrivals) await store.add(lot.map((event) => ({ ...event, project })));
        const read = new WarehouseIdentities({ warehouse: store.warehouse, decisionsOf: async () => decisions });
        const of = () => (isInTable ? throughTable(project, decisions, store.warehouse) : read.of(project));
        const person = personOf(events, asModel(decisions));
        const users = trend(events, { ...range, timezone: 'UTC', granularity: 'day', includeBots: false, series: [{ measure: 'users' }] }, person)[0]?.[0]?.total ?? 0;
        const { conversions, users: buyers, withoutTouch } = attribution(
          events, { ...range, lookbackMs: 5_000, halfLifeMs: 7 * 86_400_000, models: ['linear'], includeBots: false, conversion: { event: 'buy' }, touch: { event: 'view' }, channels: [], breakdown: [] }, person,
        );
        expect(await answersOf({ ...store.context(project), identities: { of } })).toEqual({
          users,
          members: users,
          attributed: { conversions, users: buyers, withoutTouch },
          sessions: sessions(events, { ...range, timezone: 'UTC', granularity: 'day', gapMs: 2_000, includeBots: false }, person)[0]?.sessions ?? 0,
          steps: funnel(events, { ...range, windowMs: 5_000, includeBots: false, steps: STEPS }, person).steps.map(({ users }) => users),
          timelines: Object.fromEntries(IDS.map((id) => [id, timeline(events, id, asModel(decisions))])),
          events: Object.fromEntries(IDS.map((id) => [id, timeline(events, id, asModel(decisions)).length])),
          people: Object.fromEntries(events.map((event) => [event.eventId, person(event).replace(/^\w+ /, '')])),
        });
      }),
      { numRuns: RUNS, interruptAfterTimeLimit: 45_000 },
    );
  });

  it('gives a device to its first claim, be that from before 1970 or by a millisecond or an id', async () => {
    const at = Date.UTC(2026, 4, 3, 10);
    const claims = {
      old: [{ timeMs: Date.UTC(1960, 0, 1), eventId: 'b' }, { timeMs: at, eventId: 'a' }],
      older: [{ timeMs: Date.UTC(1960, 0, 1), eventId: 'b' }, { timeMs: Date.UTC(1960, 0, 1) + 256, eventId: 'a' }],
      near: [{ timeMs: at - (at % 256) - 1, eventId: 'b' }, { timeMs: at - (at % 256), eventId: 'a' }],
      same: [{ timeMs: at, eventId: 'a' }, { timeMs: at, eventId: 'ab' }],
    };
    for (const [project, [first, second]] of Object.entries(claims)) {
      const common = { project, anonymousId: 'd1', timeMs: at + 1_000 };
      await store.add([
        storedEvent({ ...common, ...second, userId: 'bob' }), storedEvent({ ...common, ...first, userId: 'dot' }),
        storedEvent({ ...common, eventId: 'hers', userId: 'dot', anonymousId: '' }), storedEvent({ ...common, eventId: 'whose' }),
      ]);
      const question = { from: '2026-05-03T10:00:01Z', to: '2026-05-03T10:00:02Z', series: [{ measure: 'users' }] };
      expect(await ask('trend', question, store.context(project)), project).toMatchObject({ series: [{ total: 1 }] });
      expect(await ask('cohort', { from: question.from, to: question.to, all: [{ did: '*' }] }, store.context(project)), project).toMatchObject({ size: 1 });
      expect(await askPeople('trend', { ...question, cell: { series: 0 } }, store.context(project)), project).toMatchObject({ people: [{ personId: 'dot' }] });
    }
  });

  it('leaves hubs alone: a "guest" with more than 500 aliases, a user with more than 10,000 devices (rule I7)', async () => {
    const project = 'hubs';
    const timeMs = Date.UTC(2026, 4, 3, 10);
    const alias = (i: number) => storedEvent({ project, type: 'alias', eventId: `alias${i}`, userId: `user${i}`, previousId: 'guest', timeMs: timeMs + i });
    const kiosk = (i: number) => storedEvent({ project, eventId: `kiosk${i}`, userId: 'kiosk', anonymousId: `tablet${i}`, timeMs: timeMs + i });
    const identities = new WarehouseIdentities({ warehouse: store.warehouse, decisionsOf: async () => [] });
    const context = { ...store.context(project), identities };
    const users = async () => ((await ask('trend', { from: FROM, to: '2026-05-03T11:00:00Z', series: [{ measure: 'users' }] }, context)) as unknown as { series: { total: number }[] }).series[0]?.total;
    await store.add(Array.from({ length: 500 }, (_, i) => alias(i)));
    expect(await users()).toBe(1);
    await store.add([alias(500)]);
    expect(await users()).toBe(501);
    await store.add([...Array.from({ length: 10_000 }, (_, i) => kiosk(i)), storedEvent({ project, eventId: 'out', anonymousId: 'tablet7', timeMs: timeMs + 1 })]);
    expect(await users()).toBe(502);
    await store.add([kiosk(10_000)]);
    expect(await users()).toBe(503);
    expect((await timelineQuery({ id: 'tablet7' }, context)).events.map(({ eventId }) => eventId)).toEqual(['out']);
  });
});
