import fc from 'fast-check';
import { paths as oracle, type PathNode, type PathsAnswer, type PathsQuestion, type PersonPath } from '@tidemark/model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../../asking/ask.ts';
import { askPeople } from '../../people/people.ts';
import { anyProperty, breakdown, history, inGroups, kindsRun, where } from '../../testing/histories.ts';
import { withSavedCohorts } from '../../testing/saved-cohorts.ts';
import { openTestStore, storedEvent, type TestStore } from '../../testing/store.ts';

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store.close());

const RUN = kindsRun(3);
const START_MS = Date.UTC(2026, 4, 3);
const SPAN_MS = 24_000;
const NAMES = ['view', 'cart', 'buy', 'other', 'drop-off'];

const seldomWhere = fc.oneof({ weight: 6, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: where });
const name = fc.constantFrom('view', 'view', ...NAMES);
const anchor = fc.record({ event: fc.oneof(name, fc.uniqueArray(name, { minLength: 1, maxLength: 2 })), where: seldomWhere }, { requiredKeys: [] });
const seldom = <Value>(usual: Value, other: fc.Arbitrary<Value>): fc.Arbitrary<Value> => fc.oneof({ weight: 2, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: other });
const rule = fc.record({ pattern: fc.constantFrom('^b', 'r', 'p.o', "'", '^$', '[0-9]'), name: fc.constantFrom('renamed', 'view', 'start', "it's") });
const drawn = fc.record({
  anchors: fc.oneof(anchor.map((after) => ({ after })), anchor.map((before) => ({ before })), fc.tuple(anchor, anchor).map((between) => ({ between }))),
  window: fc.constantFrom('1s', '3s', '8s', '1m'),
  steps: fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 2, max: 6 }) }, { weight: 1, arbitrary: fc.constantFrom(8, 12, 20) }),
  nodeLimit: fc.constantFrom(1, 2, 3, 100),
  by: seldom(undefined, fc.oneof(fc.constantFrom('properties.plan', 'traits.plan', 'userId', 'properties.price', 'session.events'), anyProperty)),
  hide: seldom<string[]>([], fc.uniqueArray(fc.oneof({ weight: 2, arbitrary: name }, { weight: 1, arbitrary: fc.constantFrom('free', 'pro', '(not set)', '12', 'true', 'pro, beta', '19.99', 'ann', '2') }), { maxLength: 3 })),
  group: seldom<{ pattern: string; name: string }[]>([], fc.array(rule, { minLength: 1, maxLength: 3 })),
  collapse: fc.boolean(),
  breakdown,
  limit: fc.integer({ min: 1, max: 3 }),
  includeBots: fc.boolean(),
  where: seldomWhere,
  cell: fc.record({ person: fc.nat(20), step: fc.nat(19), what: fc.constantFrom('node', 'node', 'link', 'link', 'truncated', 'all'), isOfGroup: fc.boolean() }),
});
type Drawn = typeof drawn extends fc.Arbitrary<infer Value> ? Value : never;
const situation = fc.record({
  events: inGroups(history('', { startMs: START_MS, spanMs: SPAN_MS, stepMs: 1_000, names: NAMES, minEvents: 10, maxEvents: 45 })),
  fromMs: fc.integer({ min: 0, max: 8 }).map((seconds) => START_MS + seconds * 1_000),
  lengthMs: fc.integer({ min: 2, max: 20 }).map((seconds) => seconds * 1_000),
  questions: fc.array(drawn, { minLength: 4, maxLength: 4 }),
});

/** A cell that one of the people stands in, and all who do. */
function cellOf({ person, step, what, isOfGroup }: Drawn['cell'], properties: readonly string[], people: readonly PersonPath[]): { cell: object; meant: readonly PersonPath[] } | undefined {
  const one = people[person % Math.max(people.length, 1)];
  if (one === undefined) return undefined;
  const inGroup = isOfGroup && one.group.length > 0;
  const labels = one.group === 'other' ? properties.map(() => 'other') : one.group.map((value) => (value === 'other' || value === '(not set)' ? { value } : (value ?? '(not set)')));
  const group = inGroup ? { breakdown: labels } : {};
  const among = inGroup ? people.filter((each) => JSON.stringify(each.group) === JSON.stringify(one.group)) : people;
  if (what === 'all') return { cell: group, meant: among };
  if (what === 'truncated') return { cell: { truncated: true, ...group }, meant: among.filter(({ isTruncated }) => isTruncated) };
  const i = step % one.nodes.length;
  const node = (at: number): string | { value: string } | undefined => {
    const found = one.nodes[at];
    return found?.kind === 'event' && ['other', 'drop-off', 'start'].includes(found.name) ? { value: found.name } : found?.name;
  };
  const isSame = (nodes: readonly PathNode[], at: number): boolean => JSON.stringify(nodes[at]) === JSON.stringify(one.nodes[at]);
  const isLink = what === 'link' && i + 1 < one.nodes.length;
  return {
    cell: { step: i + 1, node: node(i), ...(isLink && { next: node(i + 1) }), ...group },
    meant: among.filter(({ nodes }) => isSame(nodes, i) && (!isLink || isSame(nodes, i + 1))),
  };
}

/** The rules about sums that need no model (H5 to H7). */
function addsUp({ users, nodes, links, breakdowns }: PathsAnswer, isBetween: boolean): void {
  const peopleAt = (step: number, isDropOff = false): number => nodes.filter((node) => node.step === step && (node.kind === 'drop-off' || node.kind === 'start') === isDropOff).reduce((sum, each) => sum + each.users, 0);
  expect(peopleAt(1)).toBe(users);
  for (const { step, node, kind, users: there } of nodes) {
    const out = links.filter((link) => link.step === step && link.from === node && link.fromKind === kind).reduce((sum, link) => sum + link.users, 0);
    const goesOn = nodes.some((other) => other.step > step) && kind !== 'drop-off' && kind !== 'start' && !isBetween;
    expect(out).toBe(goesOn ? there : isBetween ? out : 0);
    if (!isBetween && step > 1) expect(peopleAt(step) + peopleAt(step, true)).toBe(peopleAt(step - 1));
  }
  if (breakdowns.length === 0) return;
  for (const { step, node, kind, users: there } of nodes) {
    const parts = breakdowns.flatMap((group) => group.nodes.filter((other) => other.step === step && other.node === node && other.kind === kind));
    expect(parts.reduce((sum, each) => sum + each.users, 0)).toBe(there);
  }
}

let round = 0;

describe('paths', () => {
  it('are counted, and the people behind a number listed, as the model does, whatever the events and the question (rules H1 to H7, K5)', async () => {
    await fc.assert(
      fc.asyncProperty(situation, async ({ events: unnamed, fromMs, lengthMs, questions }) => {
        const project = `paths${++round}`;
        const events = unnamed.map((event) => ({ ...event, project }));
        await store.add(events);
        const { known, context } = withSavedCohorts(events, store.context(project));
        const toMs = fromMs + lengthMs;
        for (const { anchors, window, cell, by, ...options } of questions) {
          const body = { ...options, ...anchors, window, ...(by !== undefined && { by }), from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() };
          const told = JSON.stringify(body);
          const { meta: _, ...answer } = (await ask('paths', body, context)) as unknown as PathsAnswer & { meta: object };
          const windowMs = window === '1m' ? 60_000 : Number.parseInt(window, 10) * 1_000;
          const { answer: expected, people } = oracle(known, { ...options, ...anchors, ...(by !== undefined && { by }), windowMs, fromMs, toMs } as PathsQuestion);
          expect(answer, told).toEqual(expected);
          addsUp(answer, 'between' in anchors);

          // The same people as other questions count.
          const range = { from: body.from, to: body.to, includeBots: options.includeBots, where: options.where };
          if ('between' in anchors) {
            const { steps } = (await ask('funnel', { ...range, window, steps: anchors.between }, context)) as unknown as { steps: { users: number }[] };
            expect(answer.users, told).toBe(steps.at(-1)?.users);
          } else {
            const selector = 'after' in anchors ? anchors.after : anchors.before;
            const { series } = (await ask('trend', { ...range, series: [{ ...selector, measure: 'users' }] }, context)) as unknown as { series: { total: number }[] };
            expect(answer.users, told).toBe(series[0]?.total);
          }
          const one = cellOf(cell, options.breakdown, people);
          if (one === undefined) continue;
          const list = await askPeople('paths', { ...body, cell: one.cell, pageSize: 1_000 }, context);
          const names = list.people.map(({ personId, userId }) => `${userId === null ? 'device' : 'user'} ${personId}`);
          expect(names.toSorted(), `${told} ${JSON.stringify(one.cell)}`).toEqual(one.meant.map(({ person }) => person).toSorted());
          expect(list.total).toBe(one.meant.length);
        }
      }),
      RUN,
    );
  }, RUN.timeoutMs);

  const at = (project: string, seconds: number, eventName: string, more: object = {}) => storedEvent({ project, userId: 'ann', eventName, timeMs: START_MS + seconds * 1_000, ...more });
  const day = { from: '2026-05-03', to: '2026-05-04' };

  it('are not changed by a filter that lets everything in', async () => {
    const events = fc.sample(history('filtered', { startMs: START_MS, spanMs: SPAN_MS, stepMs: 1_000, minEvents: 40 }), { numRuns: 1, seed: 7 })[0]!;
    await store.add(events);
    const question = { ...day, after: { event: 'view' }, breakdown: ['properties.plan'], nodeLimit: 2 };
    const { meta: _, ...plain } = await ask('paths', question, store.context('filtered'));
    const { meta: __, ...filtered } = await ask('paths', { ...question, where: [{ any: [{ property: 'userId', op: 'is_set' }, { property: 'userId', op: 'is_not_set' }] }] }, store.context('filtered'));
    expect(filtered).toEqual(plain);
  });

  it('go as far as the window, its end included, and beyond the range', async () => {
    await store.add([at('window', 0, 'early'), at('window', 10, 'view'), at('window', 20, 'cart'), at('window', 20.001, 'late')]);
    const asked = { from: '2026-05-03T00:00:10Z', to: '2026-05-03T00:00:11Z', window: '10s' };
    const nodes = async (anchors: object): Promise<string[]> => ((await ask('paths', { ...asked, ...anchors }, store.context('window'))) as unknown as PathsAnswer).nodes.map(({ node }) => node);
    expect(await nodes({ after: { event: 'view' } })).toEqual(['view', 'cart', 'drop-off']);
    expect(await nodes({ before: { event: 'view' } })).toEqual(['view', 'early', 'start']);
    expect(await nodes({ between: [{ event: 'view' }, { event: 'late' }] })).toEqual([]);
    expect(await nodes({ after: { event: 'cart' } })).toEqual([]);
  });

  it('keep the nodes with the most people, whatever their names, and join what is shown (rule H6)', async () => {
    const next = ['a', 'b', 'b', 'c', 'c', 'c'];
    await store.add(next.flatMap((name, i) => [at('kept', 0, 'view', { userId: `u${i}` }), at('kept', 1, name, { userId: `u${i}` })]));
    const { nodes, links } = (await ask('paths', { ...day, after: { event: 'view' }, steps: 3, nodeLimit: 1 }, store.context('kept'))) as unknown as PathsAnswer;
    expect(nodes.map(({ step, node, kind, users }) => [step, node, kind, users])).toEqual([[1, 'view', 'event', 6], [2, 'c', 'event', 3], [2, 'other', 'other', 3], [3, 'drop-off', 'drop-off', 6]]);
    expect(links.map(({ from, to, users }) => [from, to, users])).toEqual([['view', 'c', 3], ['view', 'other', 3], ['c', 'drop-off', 3], ['other', 'drop-off', 3]]);
  });

  it('put what happened at once in the order of sequence, then of eventId (rule H1)', async () => {
    const of = (eventId: string, eventName: string, sequence = 0) => at('ties', 5, eventName, { eventId, sequence });
    await store.add([of('2', 'view'), of('4', 'd'), of('3', 'c'), of('1', 'a'), of('0', 'last', 1)]);
    const nodes = async (anchors: object): Promise<string[]> => ((await ask('paths', { ...day, ...anchors }, store.context('ties'))) as unknown as PathsAnswer).nodes.map(({ node }) => node);
    expect(await nodes({ after: { event: 'view' } })).toEqual(['view', 'c', 'd', 'last', 'drop-off']);
    expect(await nodes({ before: { event: 'view' } })).toEqual(['view', 'a', 'start']);
    expect(await nodes({ after: { event: 'a' } })).toEqual(['a', 'view', 'c', 'd', 'last']);
  });

  it('keep the anchors that they begin or end with, whatever is hidden (rule H3)', async () => {
    await store.add([at('hidden', 0, 'a'), at('hidden', 1, 'x'), at('hidden', 2, 'a'), at('hidden', 3, 'b'), at('hidden', 4, 'a')]);
    const nodes = async (anchors: object): Promise<string[]> => ((await ask('paths', { ...day, hide: ['a', 'b'], ...anchors }, store.context('hidden'))) as unknown as PathsAnswer).nodes.map(({ node }) => node);
    expect(await nodes({ after: { event: 'a' } })).toEqual(['a', 'x', 'drop-off']);
    expect(await nodes({ between: [{ event: 'a' }, { event: 'b' }] })).toEqual(['a', 'b']);
    expect(await nodes({ between: [{ event: 'a' }, { event: 'a', where: [{ property: 'eventName', op: '=', value: 'a' }] }] })).toEqual(['a', 'x', 'a']);
    expect(await nodes({ before: { event: 'b' } })).toEqual(['b', 'x', 'start']);
  });

  it('hide values of the property that nodes are called by, and events by their names all the same (rule H3)', async () => {
    const page = (seconds: number, eventName: string, value: unknown) => at('pages', seconds, eventName, { properties: { page: value } });
    await store.add([page(0, 'view', 'home'), page(1, 'view', "o'brien\\'"), page(2, 'view', 12), page(3, 'view', 'x'.repeat(250)), page(4, 'login', 'home'), at('pages', 5, 'logout')]);
    const nodes = async (hide: string[], more: object = {}): Promise<string[]> =>
      ((await ask('paths', { ...day, after: { event: 'view' }, by: 'properties.page', steps: 10, hide, ...more }, store.context('pages'))) as unknown as PathsAnswer).nodes.map(({ node }) => node);
    const long = 'x'.repeat(200);
    expect(await nodes([])).toEqual(['home', "o'brien\\'", '12', long, 'home', 'logout', 'drop-off']);
    expect(await nodes(["o'brien\\'", '12', long])).toEqual(['home', 'logout', 'drop-off']);
    expect(await nodes(['home', 'logout'])).toEqual(['home', "o'brien\\'", '12', long, 'drop-off']);
    expect(await nodes(['login'])).toEqual(['home', "o'brien\\'", '12', long, 'logout', 'drop-off']);
    expect(await nodes(['12'], { by: undefined, collapse: false })).toEqual(['view', 'view', 'view', 'view', 'login', 'logout', 'drop-off']);
    // Hidden is before renamed.
    expect(await nodes(['12', 'home'], { between: [{ event: 'view' }, { event: 'logout' }], after: undefined, group: [{ pattern: '^x', name: '12' }] })).toEqual(['12', 'logout']);
  });

  const HOSTILE = ["o'brien\\'", '`--"/* */', 'a\0b\u{1f600}é{x}%s', '>', "') OR 1=1 --"];

  it('take any text for a name of an event, a node, a group and a rule (no text is read as SQL)', async () => {
    await store.add(HOSTILE.flatMap((text, i) => [at('hostile', 0, 'first', { userId: `u${i}`, properties: { x: text } }), at('hostile', 1, text, { userId: `u${i}`, properties: { item: text } }), at('hostile', 2, 'last', { userId: `u${i}` })]));
    const base = { ...day, steps: 4, nodeLimit: 100, limit: 100 };
    for (const [i, text] of HOSTILE.entries()) {
      const flow = async (more: object): Promise<PathsAnswer> => (await ask('paths', { ...base, ...more }, store.context('hostile'))) as unknown as PathsAnswer;
      const namesOf = ({ nodes }: Pick<PathsAnswer, 'nodes'>): string[] => nodes.map(({ node }) => node);
      const mine = [{ property: 'properties.x', op: '=', value: text }];
      expect(namesOf(await flow({ after: { event: text }, hide: [`${text}!`], group: [{ pattern: '^last$', name: text }], collapse: false }))).toEqual([text, text, 'drop-off']);
      expect(namesOf(await flow({ where: [{ property: 'userId', op: '=', value: `u${i}` }], between: [{ event: 'first', label: text }, { event: 'last' }], hide: [text] }))).toEqual(['first', 'last']);
      const { breakdowns } = await flow({ after: { event: 'first', where: mine }, breakdown: ['properties.x'], by: 'properties.item' });
      expect(breakdowns.map((group) => [group.breakdown, namesOf(group)])).toEqual([[[text], ['first', text, 'last', 'drop-off']]]);
      const cell = { step: 1, node: 'first', next: { value: text }, breakdown: [text] };
      const { people } = await askPeople('paths', { ...base, after: { event: 'first' }, breakdown: ['properties.x'], cell }, store.context('hostile'));
      expect(people.map(({ userId }) => userId)).toEqual([`u${i}`]);
    }
  });

  const after = { after: { event: 'x' } };
  it.each([
    ['missing_field', 'after', {}],
    ['unsupported_combination', 'before', { ...after, before: {}, between: [{}, {}] }],
    ['unsupported_combination', 'between', { before: {}, between: [{}, {}] }],
    ['invalid_value', 'between', { between: [{}] }],
    ['invalid_value', 'between', { between: [{}, {}, {}] }],
    ['invalid_value', 'window', { ...after, window: '367d' }],
    ['invalid_value', 'steps', { ...after, steps: 21 }],
    ['invalid_value', 'steps', { ...after, steps: 1 }],
    ['invalid_value', 'nodeLimit', { ...after, nodeLimit: 101 }],
    ['invalid_value', 'hide', { ...after, hide: Array.from({ length: 101 }, (_, i) => `e${i}`) }],
    ['invalid_value', 'group', { ...after, group: Array.from({ length: 51 }, () => ({ pattern: '', name: 'x' })) }],
    ['unknown_property', 'by', { ...after, by: 'path' }],
    ['unknown_property', 'after.where[0].property', { after: { where: [{ property: 'path', op: 'is_set' }] } }],
    ['unknown_property', 'between[1].where[0].property', { between: [{}, { where: [{ property: 'path', op: 'is_set' }] }] }],
    ['invalid_pattern', 'group[1].pattern', { ...after, group: [{ pattern: '', name: 'x' }, { pattern: 'x'.repeat(501), name: 'x' }] }],
    ['invalid_pattern', 'group[0].pattern', { ...after, group: [{ pattern: '\0', name: 'x' }] }],
  ])('are refused where they can not be: %s, %s', async (code, field, question) => {
    await expect(ask('paths', question, store.context('nobody'))).rejects.toMatchObject({ problems: [{ code, field }] });
  });

  it.each([
    ['cell.step', { step: 5, node: 'first' }],
    ['cell.step', { node: 'first' }],
    ['cell.node', { step: 1 }],
    ['cell.node', { step: 1, node: 'last' }],
    ['cell.node', { step: 2, node: 'other' }],
    ['cell.node', { step: 2, node: 'drop-off' }],
    ['cell.node', { step: 1, node: 'start' }],
    ['cell.next', { step: 1, node: 'first', next: 'last' }],
    ['cell.next', { step: 4, node: 'drop-off', next: 'drop-off' }],
    ['cell.truncated', { truncated: true, step: 1, node: 'first' }],
    ['cell.breakdown', { breakdown: ['x'] }],
  ])('have no such number: %s', async (field, cell) => {
    await expect(askPeople('paths', { ...day, steps: 4, nodeLimit: 100, after: { event: 'first' }, cell }, store.context('hostile'))).rejects.toMatchObject({ problems: [{ code: 'invalid_value', field }] });
  });
});
