/** P3 to P5: properties of persons and groups, in every place of a question, against the model. */
import { trend as oracle, withOwners, type IdentityDecision, type Where } from '@tidemark/model';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ask } from '../asking/ask.ts';
import { WarehouseIdentities } from '../identity/identities.ts';
import { PROPERTY_RUN } from '../testing/histories.ts';
import { openTestStore, storedEvent, type TestStore } from '../testing/store.ts';

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store.close());

const DAY_MS = Date.UTC(2026, 4, 3);
const NO_DECISIONS: readonly IdentityDecision[] = [];
const value = fc.constantFrom('free', 'pro', "o'brien", 12, 0.5, true, null, ['a', 'b'], { a: 1 }, '12');
const traits = fc.record({ plan: value, 'a.b': value, a: fc.record({ b: value }, { requiredKeys: [] }) }, { requiredKeys: [] });
const who = fc.constantFrom(['ann', ''], ['bob', ''], ['', 'd1'], ['', 'd2'], ['ann', 'd1'], ['bob', 'd1'], ['bob', 'd2'], ['d1', '']);
const event = fc
  .record({ who, type: fc.constantFrom('track' as const, 'track' as const, 'identify' as const, 'group' as const, 'alias' as const), previousId: fc.constantFrom('', 'd2', 'carl', 'ann'), groupId: fc.constantFrom('', 'acme', 'umbrella'), at: fc.nat(6), sequence: fc.nat(1), traits, said: fc.boolean(), id: fc.string({ unit: fc.constantFrom('a', 'Z', 'é'), maxLength: 2 }) })
  .map(({ who: [userId = '', anonymousId = ''], at, id, said, traits, type, previousId, ...rest }) => (index: number, project: string) =>
    storedEvent({ ...rest, project, userId, anonymousId, type, previousId: type === 'alias' && userId !== '' ? previousId : '', eventName: 'view', eventId: `${id}${index}`, timeMs: DAY_MS + at * 1_000, traits: said || type === 'identify' || type === 'group' ? traits : {} }),
  );
const property = fc.constantFrom('person.plan', 'person.a.b', 'group.plan', 'group.a.b', 'person.never', 'traits.plan', 'traits.a.b');
const condition = fc.oneof(
  fc.record({ property, op: fc.constantFrom('=', '!=', '>'), value: fc.constantFrom('pro', 12, true, '12', 'a, b') }),
  fc.record({ property, op: fc.constantFrom('is_set', 'is_not_set') }),
);
const measure = fc.constantFrom<object | string>('events', 'users', { sum: 'person.plan' }, { unique: 'group.plan' }, { max: 'person.a.b' }, { unique: 'traits.plan' }, { unique: 'groupId' }, { sum: 'traits.a.b' });

let round = 0;
it('P3 to P5: what is known of the person and the group of an event, now and when it happened, whatever came in which order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 25, size: 'max' }), fc.array(fc.record({ where: fc.array(condition, { maxLength: 2 }), breakdown: fc.uniqueArray(property, { maxLength: 2 }), measure }), { minLength: 4, maxLength: 4 }), async (made, questions) => {
      const project = `owners${++round}`;
      const events = made.map((each, index) => each(index, project));
      const half = Math.floor(events.length / 2);
      for (const some of [events.slice(half), events.slice(0, half)]) if (some.length > 0) await store.add(some);
      const toMs = DAY_MS + 86_400_000;
      for (const { where, breakdown, measure } of questions) {
        const question = { series: [{ measure, where }], breakdown, granularity: 'day' as const, timezone: 'UTC' };
        const context = { ...store.context(project), identities: new WarehouseIdentities({ warehouse: store.warehouse, decisionsOf: async () => [] }) };
        const answer = (await ask('trend', { ...question, from: new Date(DAY_MS).toISOString(), to: new Date(toMs).toISOString() }, context)) as unknown as { series: { breakdown: string[]; total: number }[] };
        const expected = oracle(withOwners(events, NO_DECISIONS), { ...question, fromMs: DAY_MS, toMs, includeBots: false, series: [{ measure, where: where as Where }] as never }).flat();
        expect(answer.series.map(({ breakdown: group, total }) => ({ group, total })), JSON.stringify(question)).toEqual(expected.map(({ breakdown: group, total }) => ({ group, total })));
      }
    }),
    PROPERTY_RUN,
  );
});

it('a value or a key that reads like a name of ours is only a text', async () => {
  const text = `person_of_${Buffer.from('plan').toString('hex')}`;
  await store.add([storedEvent({ project: 'names', properties: { [text]: `it's ${text}` } })]);
  const question = { from: new Date(DAY_MS).toISOString(), to: new Date(DAY_MS + 86_400_000).toISOString(), series: [{ where: [{ property: `properties.${text}`, op: '=', value: `it's ${text}` }] }] };
  const { series, meta } = (await ask('trend', question, store.context('names'))) as unknown as { series: { total: number }[]; meta: { sql: string } };
  expect(series[0]?.total).toBe(1);
  expect(meta.sql).not.toContain('trait_changes');
});

it('who gives a joined person its name has what the other one said', async () => {
  const project = 'named';
  const at = (seconds: number) => DAY_MS + seconds * 1_000;
  await store.add([
    storedEvent({ project, userId: 'carl', timeMs: at(1) }),
    storedEvent({ project, userId: 'ann', type: 'alias', previousId: 'carl', timeMs: at(2) }),
    storedEvent({ project, userId: 'ann', type: 'identify', timeMs: at(3), traits: { plan: 'pro' } }),
  ]);
  const identities = new WarehouseIdentities({ warehouse: store.warehouse, decisionsOf: async () => [] });
  const question = { from: new Date(DAY_MS).toISOString(), to: new Date(DAY_MS + 86_400_000).toISOString(), series: [{}], breakdown: ['person.plan'] };
  const { series } = (await ask('trend', question, { ...store.context(project), identities })) as unknown as { series: { breakdown: string[]; total: number }[] };
  expect(series.map(({ breakdown, total }) => [breakdown, total])).toEqual([[['pro'], 3]]);
});
