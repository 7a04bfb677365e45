/** A cohort in SQL (rule Z10) has the people that the question itself has; who they are is proven there. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ask } from '../../asking/ask.ts';
import type { AskContext } from '../../asking/ask-context.ts';
import { WarehouseIdentities } from '../../identity/identities.ts';
import { askPeople } from '../../people/people.ts';
import { openTestStore, storedEvent, type TestStore } from '../../testing/store.ts';
import { visits } from '../../testing/visits.ts';

const START_MS = Date.UTC(2026, 2, 27, 20);
const RANGE = { from: '2026-03-01', to: '2026-04-10' };

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore({ sql: {} });
});
afterAll(() => store.close());

const rowsOf = async (question: object, asking: AskContext): Promise<unknown[][]> => ((await ask('sql', question, asking)) as unknown as { rows: unknown[][] }).rows;

const decisions = fc.subarray([{ verdict: 'merge' as const, a: 'uann', b: 'ubob' }, { verdict: 'cut' as const, a: 'ad1', b: 'uann' }]);
const cohorts = fc.record({ all: fc.constantFrom([{ did: '*', atLeast: 2 }], [{ did: '*', atLeast: 1, atMost: 3 }], [{ property: 'person.plan', op: 'is_not_set' }]), ...Object.fromEntries(Object.entries(RANGE).map(([name, value]) => [name, fc.constant(value)])) });

it('has the people of the question, whoever was merged or cut', async () => {
  let histories = 0;
  await fc.assert(
    fc.asyncProperty(visits(START_MS, 1_800_000), decisions, cohorts, async (unnamed, made, question) => {
      const project = `cohorts${++histories}`;
      await store.add(unnamed.map((event) => ({ ...event, project })));
      const asking: AskContext = {
        ...store.context(project),
        identities: new WarehouseIdentities({ warehouse: store.warehouse, decisionsOf: async () => made }),
        cohort: async (_, name) => (name === "x'); --" ? { question } : undefined),
      };
      const { people: members } = await askPeople('cohort', { ...question, cell: {}, pageSize: 1000 }, asking);
      const params = { them: { cohort: "x'); --" } };
      expect((await rowsOf({ query: 'SELECT person_id FROM {them} AS them ORDER BY person_id', params }, asking)).flat()).toEqual([...new Set(members.map(({ personId }) => personId))].toSorted());
      const [[within, without, all]] = (await rowsOf({ query: 'SELECT countIf(person_id IN {them}), countIf(person_id NOT IN {them}), count() FROM events', params }, asking)) as [[number, number, number]];
      expect(within + without).toBe(all);
    }),
    { numRuns: 8, endOnFailure: true },
  );
});

it('is no cohort where a parameter only has a name as fields of questions have', async () => {
  const params = { by: 'cohort.nobody', property: 'cohort', value: ['nobody'] };
  expect(await rowsOf({ query: 'SELECT {by}, {property}, {value}', params }, store.context('p1'))).toEqual([['cohort.nobody', 'cohort', ['nobody']]]);
});

it('is found within the memory of a query', async () => {
  // One engine at a time in a process.
  await store.close();
  store = await openTestStore({ sql: { memoryBytes: 8 << 20 } });
  await store.add(Array.from({ length: 50_000 }, (_, i) => storedEvent({ eventId: `e${i}`, userId: `user ${i}`.repeat(10), timeMs: START_MS })));
  const asking: AskContext = { ...store.context('p1'), cohort: async () => ({ question: { all: [{ did: '*' }], ...RANGE } }) };
  const params = { them: { cohort: 'all' } };
  await expect(ask('sql', { query: 'SELECT count() FROM {them} AS them', params }, asking)).rejects.toMatchObject({ problems: [{ code: 'question_too_expensive', field: 'params.them.cohort' }] });
  expect(await rowsOf({ query: 'SELECT 1', params }, asking)).toEqual([[1]]);
});
