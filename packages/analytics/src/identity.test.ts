/** Identity as the model has it (rules I1 to I9), whoever shares, aliases, merges and cuts, in whatever order it arrives. */
import { funnel, personOf, timeline, trend } from '@tidemark/model';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, type AskContext } from './ask.ts';
import { exportEvents } from './export.ts';
import { readPerson } from './identity-view.ts';
import { WarehouseIdentities } from './identities.ts';
import { writeOverrides } from './overrides-table.ts';
import { plainIdentity } from './project-identity.ts';
import { timelineQuery } from './timeline.ts';
import { asModel, identityHistory, IDS } from './testing/identity-histories.ts';
import { openTestStore, storedEvent, type TestStore } from './testing/store.ts';

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store.close());

const RUNS = Number(process.env['TIDEMARK_IDENTITY_RUNS'] ?? 12);
const FROM = '2026-05-03T10:00:00Z';
const TO = '2026-05-03T10:00:10Z';
const range = { fromMs: Date.parse(FROM), toMs: Date.parse(TO) };
const STEPS = [{ event: 'view' }, { event: 'cart' }, { event: 'buy' }];

interface Answers {
  users: number;
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
      fc.asyncProperty(identityHistory, fc.boolean(), async ({ events, arrivals, decisions }, throughTable) => {
        const project = `identity${++round}`;
        for (const lot of arrivals) await store.add(lot.map((event) => ({ ...event, project })));
        const read = new WarehouseIdentities({ warehouse: store.warehouse, decisionsOf: async () => decisions });
        const of = async () => {
          const identity = await read.of(project);
          return throughTable ? { ...identity, table: { version: await writeOverrides(identity, store.warehouse) } } : identity;
        };
        const person = personOf(events, asModel(decisions));
        expect(await answersOf({ ...store.context(project), identities: { of } })).toEqual({
          users: trend(events, { ...range, timezone: 'UTC', granularity: 'day', includeBots: false, series: [{ measure: 'users' }] }, person)[0]?.[0]?.total ?? 0,
          steps: funnel(events, { ...range, windowMs: 5_000, includeBots: false, steps: STEPS }, person).steps.map(({ users }) => users),
          timelines: Object.fromEntries(IDS.map((id) => [id, timeline(events, id, asModel(decisions))])),
          events: Object.fromEntries(IDS.map((id) => [id, timeline(events, id, asModel(decisions)).length])),
          people: Object.fromEntries(events.map((event) => [event.eventId, person(event).replace(/^\w+ /, '')])),
        });
      }),
      { numRuns: RUNS, interruptAfterTimeLimit: 45_000 },
    );
  });

  it('leaves hubs alone: a "guest" with more than 500 aliases, a user with more than 10,000 devices', async () => {
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
