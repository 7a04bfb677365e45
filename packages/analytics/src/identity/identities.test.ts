/** What is kept of a project's identity between questions is never older than what was written. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { MAX_CLAIMED_DEVICES, type Decision } from '@tidemark/identity';
import { WarehouseIdentities } from './identities.ts';
import { PROPERTY_RUN } from '../testing/histories.ts';
import { openTestStore, storedEvent, type EventSketch, type TestStore } from '../testing/store.ts';

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store.close());

/** `TIDEMARK_IDENTITY_RUNS=50` tries more. */
const RUNS = Number(process.env['TIDEMARK_IDENTITY_RUNS'] ?? 5);
const T0 = Date.UTC(2026, 4, 3, 10);

it('keeps what it read until a link, a decision or a late first event changes it', async () => {
  const changes = { claims: 0, links: 0, events: 0 };
  const decisions: Decision[] = [];
  const identities = new WarehouseIdentities({ warehouse: store.warehouse, decisionsOf: async () => [...decisions], changes: () => ({ ...changes }) });
  const add = async (sketch: EventSketch): Promise<void> => {
    await store.add([storedEvent({ project: 'kept', ...sketch })]);
    changes.claims++;
    changes.events++;
    if (sketch.type === 'alias') changes.links++;
  };
  const read = async () => (await identities.of('kept')).persons.map(({ name, nodes }) => [name, ...nodes]);
  await add({ userId: 'bob', timeMs: T0 + 2 });
  await add({ userId: 'ann', timeMs: T0 + 3 });
  expect(await read()).toEqual([]);
  await add({ type: 'alias', userId: 'ann', previousId: 'bob', timeMs: T0 + 4 });
  expect(await read()).toEqual([['ubob', 'uann', 'ubob']]);
  const once = await identities.of('kept');
  expect(await identities.of('kept')).toBe(once);
  await add({ userId: 'cyd', timeMs: T0 + 5 });
  expect(await identities.of('kept')).toBe(once);
  await add({ userId: 'ann', timeMs: T0 + 1 });
  expect(await read()).toEqual([['uann', 'uann', 'ubob']]);
  decisions.push({ verdict: 'merge', a: 'ucyd', b: 'ubob' });
  expect(await read()).toEqual([['uann', 'uann', 'ubob', 'ucyd']]);
  await add({ userId: 'cyd', timeMs: T0 });
  expect(await read()).toEqual([['ucyd', 'uann', 'ubob', 'ucyd']]);
  decisions.push({ verdict: 'merge', a: 'ad7', b: 'ucyd' });
  expect(await read()).toEqual([['ucyd', 'ad7', 'uann', 'ubob', 'ucyd']]);
  await add({ anonymousId: 'd7', userId: 'dot', timeMs: T0 + 9 });
  expect(await read()).toEqual([['ucyd', 'uann', 'ubob', 'ucyd', 'udot']]);
  decisions.push({ verdict: 'cut', a: 'ad7', b: 'udot' });
  expect(await identities.of('kept')).toMatchObject({ cutClaims: [['d7', 'dot']], persons: [{ nodes: ['ad7', 'uann', 'ubob', 'ucyd'] }] });
});

it('a user who is joined before anything was seen of them gives the person a name once they are', async () => {
  const changes = { claims: 0, links: 1, events: 0 };
  const identities = new WarehouseIdentities({ warehouse: store.warehouse, decisionsOf: async () => [], changes: () => ({ ...changes }), monotonicMs: () => 0 });
  const names = async () => (await identities.of('unseen')).persons.map(({ name }) => name);
  await store.add([storedEvent({ project: 'unseen', type: 'alias', userId: 'eve', previousId: 'fay', timeMs: T0 })]);
  expect(await names()).toEqual(['ueve']);
  for (const [timeMs, name] of [[T0 + 1, 'ueve'], [T0 - 1, 'ufay']] as const) {
    await store.add([storedEvent({ project: 'unseen', userId: 'fay', timeMs })]);
    changes.events++;
    expect(await names()).toEqual([name]);
  }
});

it('opens only what was written since, to see whether a joined user was seen before', async () => {
  // By their offsets any rows may be new, as those of another log.
  const changes = { claims: 0, links: 1, events: -100 };
  let rowsRead = 0;
  const warehouse = {
    ...store.warehouse,
    query: async <Row>(sql: string) => {
      const answer = await store.warehouse.query<Row>(sql);
      if (/first_ms/.test(sql)) rowsRead += answer.rowsRead;
      return answer;
    },
  } as typeof store.warehouse;
  const identities = new WarehouseIdentities({ warehouse, decisionsOf: async () => [], changes: () => ({ ...changes }), monotonicMs: () => 0 });
  const add = async (events: readonly EventSketch[]): Promise<void> => {
    await store.add(events.map((sketch) => storedEvent({ project: 'parts', ...sketch })));
    changes.events++;
  };
  const name = async () => (await identities.of('parts')).persons[0]?.name;
  await add(Array.from({ length: 5_000 }, (_, i) => ({ userId: `other-${i}`, timeMs: T0 - 5_000 + i })));
  await add([{ userId: 'ann', timeMs: T0 }, { type: 'alias', userId: 'ann', previousId: 'ben', timeMs: T0 + 1 }]);
  expect(await name()).toBe('uann');
  rowsRead = 0;
  for (const [sketch, named] of [[{ userId: 'cyd', timeMs: T0 - 9 }, 'uann'], [{ userId: 'ben', timeMs: T0 + 5 }, 'uann'], [{ userId: 'ben', timeMs: T0 - 5 }, 'uben'], [{ userId: 'ann', timeMs: T0 - 6 }, 'uann']] as const) {
    await add([sketch]);
    expect(await name()).toBe(named);
  }
  expect(rowsRead).toBe(4);
});

it('reads what changed unnoticed beside the questions for a while, and before them after a silence', async () => {
  let nowMs = 0;
  const changes = { claims: 0, links: 0, events: 0 };
  const identities = new WarehouseIdentities({ warehouse: store.warehouse, decisionsOf: async () => [], changes: () => changes, monotonicMs: () => nowMs });
  const alias = (userId: string, previousId: string) => store.add([storedEvent({ project: 'unnoticed', type: 'alias', userId, previousId, timeMs: T0 })]);
  const nodes = async () => (await identities.of('unnoticed')).persons.map((person) => person.nodes.length);
  await alias('b', 'a');
  const first = await identities.of('unnoticed');
  nowMs = 30_000;
  expect(await identities.of('unnoticed'), 'the same, read again').toBe(first);
  await alias('c', 'a');
  nowMs = 40_000;
  expect(await nodes()).toEqual([2]);
  nowMs = 41_000;
  expect(await nodes(), 'nobody waits for what is due').toEqual([2]);
  await expect.poll(nodes).toEqual([3]);
  await alias('d', 'a');
  nowMs = 72_000;
  expect(await nodes()).toEqual([4]);
});

it('counts who has too many devices beside the questions while claims come in', async () => {
  let nowMs = 0;
  const changes = { claims: 1, links: 0, events: 0 };
  // Each look at the clock takes a millisecond: so does a reading.
  const identities = new WarehouseIdentities({ warehouse: store.warehouse, decisionsOf: async () => [], changes: () => ({ ...changes }), monotonicMs: () => nowMs++ });
  const hubs = async () => (await identities.of('hubs')).hubUsers;
  expect(await hubs()).toEqual([]);
  await store.add(Array.from({ length: MAX_CLAIMED_DEVICES + 1 }, (_, i) => storedEvent({ project: 'hubs', userId: 'kiosk', anonymousId: `k${i}`, timeMs: T0 + i })));
  changes.claims++;
  expect(await hubs(), 'a fiftieth of the time').toEqual([]);
  nowMs += 60;
  expect(await hubs(), 'nobody waits for what is due').toEqual([]);
  await expect.poll(hubs).toEqual(['kiosk']);
});

const USERS = ['a', 'b', 'c', 'd', 'e'];
const user = fc.constantFrom(...USERS);
const step = fc.oneof(
  fc.record({ do: fc.constant('seen' as const), user, device: fc.constantFrom('', 'd1', 'd2'), minute: fc.nat(60) }),
  fc.record({ do: fc.constant('alias' as const), user, previous: user, minute: fc.nat(60) }),
  fc.record({ do: fc.constant('decide' as const), verdict: fc.constantFrom('merge' as const, 'cut' as const), a: fc.constantFrom('ad1', 'ad2', ...USERS.map((id) => `u${id}`)), b: user.map((id) => `u${id}`) }),
);

it('is at each step what it is when all is read anew', async () => {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 8 }), async (steps) => {
      const project = `stepwise${run++}`;
      const changes = { claims: 0, links: 0, events: store.offset };
      const decisions: Decision[] = [];
      const parts = { warehouse: store.warehouse, decisionsOf: async () => [...decisions] };
      const kept = new WarehouseIdentities({ ...parts, changes: () => ({ ...changes }), monotonicMs: () => 0 });
      await kept.of(project);
      for (const each of steps) {
        if (each.do === 'decide') decisions.push({ verdict: each.verdict, a: each.a, b: each.b });
        else {
          const sketch = each.do === 'seen' ? { anonymousId: each.device } : { type: 'alias' as const, previousId: each.previous };
          await store.add([storedEvent({ project, userId: each.user, timeMs: T0 + each.minute * 60_000, ...sketch })]);
          changes.claims++;
          changes.events = store.offset;
          if (each.do === 'alias') changes.links++;
        }
        const [stepwise, anew] = await Promise.all([kept, new WarehouseIdentities(parts)].map(async (each) => each.of(project)));
        expect(stepwise).toEqual(anew);
      }
    }),
    { ...PROPERTY_RUN, numRuns: RUNS },
  );
});
