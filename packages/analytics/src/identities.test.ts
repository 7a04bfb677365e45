/** What is kept of a project's identity between questions is never older than what was written. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Decision } from '@tidemark/identity';
import { WarehouseIdentities } from './identities.ts';
import { openTestStore, storedEvent, type EventSketch, type TestStore } from './testing/store.ts';

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store.close());

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
