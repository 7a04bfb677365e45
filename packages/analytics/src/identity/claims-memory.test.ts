/** What is remembered of claims never shows: pages asked again and again while events arrive, against the model. */
import { timeline as oracle } from '@tidemark/model';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { AskContext } from '../asking/ask-context.ts';
import { ClaimsMemory, claimsMemoryOf } from './claims-memory.ts';
import { WarehouseIdentities } from './identities.ts';
import { plainIdentity } from './project-identity.ts';
import { asModel, identityHistory, IDS } from '../testing/identity-histories.ts';
import { openTestStore, storedEvent, type TestStore } from '../testing/store.ts';
import { timelineQuery } from '../timeline/timeline.ts';

let store: TestStore;
let lots = 0;
beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store.close());

const T0 = Date.UTC(2026, 4, 3);
const RUNS = Number(process.env['TIDEMARK_IDENTITY_RUNS'] ?? 3);

/** With an identity that stays the same object while nothing of it changes, as the engine's does. */
function contextOf(project: string, decisionsOf: () => Promise<readonly Parameters<typeof asModel>[0][number][]>): AskContext {
  const changes = () => ({ claims: store.warehouse.writes('identity_claims'), links: store.warehouse.writes('identity_links'), events: lots });
  return { ...store.context(project), identities: new WarehouseIdentities({ warehouse: store.warehouse, decisionsOf, changes, monotonicMs: () => 0 }) };
}

async function idsOf(id: string, context: AskContext, { limit = 100, ...reading }: { limit?: number; rowsBeyond?: number } = {}): Promise<string[]> {
  return (await timelineQuery({ id, limit }, { ...context, ...reading })).events.map(({ eventId }) => eventId);
}

it('a page is the model’s after every lot, from memory too', async () => {
  let round = 0;
  await fc.assert(
    fc.asyncProperty(identityHistory, async ({ arrivals, decisions }) => {
      const project = `remembered${++round}`;
      const context = contextOf(project, async () => decisions);
      const arrived: typeof arrivals = [];
      for (const lot of arrivals) {
        arrived.push(lot);
        lots += lot.length;
        await store.add(lot.map((event) => ({ ...event, project })));
        await claimsMemoryOf(store.warehouse).readClaimed(project);
        for (const reading of [{}, { limit: 2, rowsBeyond: 0 }]) {
          for (const id of IDS) expect(await idsOf(id, context, reading), id).toEqual(oracle(arrived.flat(), id, asModel(decisions)).slice(0, reading.limit));
        }
      }
    }),
    { numRuns: RUNS },
  );
});

it.each([['claims', 10], ['ids', 0]] as const)('knows an id without claims from the others by the %s, and nothing once a claim may have been written', async (_, maxClaims) => {
  const memory = new ClaimsMemory(store.warehouse, { maxClaims });
  const project = `known ${maxClaims}`;
  await store.add([storedEvent({ project, anonymousId: 'phone', userId: 'ann' })]);
  expect(memory.isUnclaimed('tablet', project)).toBe(false);
  await memory.readClaimed(project);
  expect(['ann', 'phone', 'tablet', 'Phone', ''].map((id) => memory.isUnclaimed(id, project))).toEqual([false, false, true, true, true]);
  expect(memory.claimsOf(project)?.ownerOf('phone', plainIdentity(project))).toBe(maxClaims === 0 ? undefined : 'ann');
  await store.add([storedEvent({ project: 'other', anonymousId: 'tablet', userId: 'ann' })]);
  expect(memory.isUnclaimed('tablet', project)).toBe(false);
  expect(memory.claimsOf(project)).toBeUndefined();
});

it('keeps no answer that was read while claims were written', async () => {
  const memory = claimsMemoryOf(store.warehouse);
  const identity = plainIdentity('written');
  const slow = memory.remember('key', identity, async () => {
    await store.warehouse.command("INSERT INTO identity_claims (project, device, user, first) SELECT 'written', 'd', 'u', (now64(3), 'e')");
    return 'before';
  });
  expect(await slow).toBe('before');
  expect(memory.remembers('key', identity)).toBe(false);
  expect([await memory.remember('key', identity, async () => 'after'), memory.remembers('key', identity)]).toEqual(['after', true]);
  expect(await memory.remember('key', identity, async () => 'not read')).toBe('after');
  await store.warehouse.command("INSERT INTO identity_claims (project, device, user, first) SELECT 'written', 'd', 'v', (now64(3), 'f')");
  expect(memory.remembers('key', identity)).toBe(false);
});

it('a user who comes to be named as a device whose owner is remembered is a person of their own', async () => {
  const context = contextOf('named', async () => []);
  await store.add([storedEvent({ project: 'named', eventId: 'login', anonymousId: 'phone', userId: 'ann' })]);
  for (let time = 0; time < 2; time++) expect(await idsOf('phone', context)).toEqual(['login']);
  await store.add([storedEvent({ project: 'named', eventId: 'alone', userId: 'phone' })]);
  expect(await idsOf('phone', context)).toEqual(['alone']);
});

it('a device with more events than a page reads, of whose name a user was seen, is the user: a person of their own', async () => {
  const project = 'busy';
  const context = contextOf(project, async () => []);
  await store.add([...Array.from({ length: 6 }, (_, i) => storedEvent({ project, eventId: `open${i}`, anonymousId: 'phone', timeMs: T0 + i })), storedEvent({ project, eventId: 'alone', userId: 'phone', timeMs: T0 + 9 })]);
  await claimsMemoryOf(store.warehouse).readClaimed(project);
  const page = await timelineQuery({ id: 'phone', limit: 2 }, { ...context, rowsBeyond: 1 });
  expect(page.events.map(({ eventId, session }) => [eventId, session?.id])).toEqual([['alone', 'alone']]);
});

it('a user without a device has more events than a page reads, each with its session', async () => {
  const project = 'desk';
  await store.add(Array.from({ length: 6 }, (_, i) => storedEvent({ project, eventId: `call${i}`, userId: 'desk', timeMs: T0 + i })));
  const page = await timelineQuery({ id: 'desk', limit: 2, order: 'desc' }, { ...contextOf(project, async () => []), rowsBeyond: 1 });
  expect(page.events.map(({ eventId, session }) => [eventId, session?.id])).toEqual([['call5', 'call5'], ['call4', 'call4']]);
});
