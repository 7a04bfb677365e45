/** Static cohorts (rule C6): whom they keep, and who that is after logins, merges and cuts that come later. */
import type { Decision } from '@tidemark/identity';
import { cohort as oracle, keptNodes, nodesOfIds, persons, trend as trendOracle, whoHaveAny, withCohorts } from '@tidemark/model';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../asking/ask.ts';
import type { AskContext } from '../asking/ask-context.ts';
import { WarehouseIdentities } from '../identity/identities.ts';
import { askPeople } from '../people/people.ts';
import { QuestionError } from '../question/problem.ts';
import { asModel, identityHistory, IDS } from '../testing/identity-histories.ts';
import { PROPERTY_RUN } from '../testing/histories.ts';
import { openTestStore, storedEvent, type TestStore } from '../testing/store.ts';
import { checkStaticCohort } from './check-cohort.ts';
import { StaticCohorts, type Members } from './static-cohorts.ts';
import { askedOfStatic, type StaticCohort } from './static-question.ts';

const RUNS = Number(process.env['TIDEMARK_COHORT_RUNS'] ?? 3);
const TIME = { from: '2026-05-01', to: '2026-05-10' };
const RANGE = { fromMs: Date.parse(TIME.from), toMs: Date.parse(TIME.to), nowMs: Date.parse(TIME.to), includeBots: false };
const MS = Date.UTC(2026, 4, 3, 10);

/** Names that would break out of a text, a comment or a name in SQL. */
const NASTY = ["o'brien", '\\', "'); DROP TABLE cohort_members; --", '/* `x` */', '\0', 'ü.é 🙂', 'cohort_of_61', '"', '\n\t'];

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store.close());

/** Static cohorts of one project as the API saves them: name -> what they keep. */
class Shelf {
  readonly kept = new Map<string, Members>();
  readonly errors: unknown[] = [];
  decisions: Decision[] = [];
  readonly cohorts: StaticCohorts;
  readonly context: AskContext;

  constructor(project: string, maxPeople?: number) {
    const { warehouse } = store;
    this.cohorts = new StaticCohorts({ warehouse, inUse: async () => [...this.kept.values()].map(({ id }) => id), onError: (error) => this.errors.push(error), ...(maxPeople !== undefined && { maxPeople }) });
    const identities = new WarehouseIdentities({ warehouse, decisionsOf: async () => this.decisions });
    const cohort: AskContext['cohort'] = async (_, name) => {
      const members = this.kept.get(name);
      return members && { question: { mode: 'static' }, members: members.id };
    };
    this.context = { ...store.context(project), identities, cohort };
  }

  async save(name: string, body: object): Promise<Members> {
    const { project, cohort } = this.context;
    const question = await checkStaticCohort(name, { mode: 'static', ...body }, { project, nowMs: this.context.clock(), cohort: cohort! });
    return this.cohorts.save(question, this.context, async (members) => {
      this.kept.set(name, members);
      return members;
    });
  }

  /** Who is in it now, by name. */
  async people(name: string): Promise<string[]> {
    const { people } = await askPeople('cohort', { ...askedOfStatic(name, {} as StaticCohort), ...TIME, cell: {} }, this.context);
    return people.map(({ personId, userId }) => `${userId === null ? 'device' : 'user'} ${personId}`);
  }

  async rows(): Promise<number> {
    const { rows } = await store.warehouse.query<{ rows: number }>(`SELECT count() AS rows FROM cohort_members WHERE project = '${this.context.project}'`);
    return Number(rows[0]?.rows);
  }
}

async function refused(work: Promise<unknown>): Promise<unknown> {
  const error: unknown = await work.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(QuestionError);
  return (error as QuestionError).problems[0];
}

describe('static cohorts', () => {
  it('keep their people as the model does, whatever is aliased, merged and cut before and after', async () => {
    let round = 0;
    const given = fc.record({ history: identityHistory, known: fc.nat(18), decided: fc.nat(6), ids: fc.uniqueArray(fc.constantFrom(...IDS), { minLength: 1, maxLength: 3 }), event: fc.constantFrom('view', 'cart', 'buy') });
    await fc.assert(
      fc.asyncProperty(given, async ({ history: { events: unnamed, decisions }, known, decided, ids, event }) => {
        const project = `static${++round}`;
        const shelf = new Shelf(project);
        const events = unnamed.map((each) => ({ ...each, project }));
        const before = events.slice(0, known);
        await store.add(before);
        shelf.decisions = decisions.slice(0, decided);
        const then = persons(before, asModel(shelf.decisions));
        await shelf.save('did', { ...TIME, all: [{ did: event }] });
        await shelf.save('listed', { people: ids });
        await shelf.save('behind', { behind: { kind: 'trend', question: { ...TIME, series: [{ event }] }, cell: { series: 0 } } });
        const doers = oracle(before, { ...RANGE, all: [{ did: event }] }, then.of).members;
        const keptOf = (of: readonly string[]): string[] => keptNodes(of, before, then);
        const kept = { did: keptOf(doers), behind: keptOf(doers), listed: keptOf(whoHaveAny(nodesOfIds(ids, before), then)) };

        await store.add(events.slice(known));
        shelf.decisions = decisions;
        const now = persons(events, asModel(decisions));
        const seen = new Set(events.map(now.of));
        const cohorts = Object.fromEntries(Object.entries(kept).map(([name, nodes]) => [name, whoHaveAny(nodes, now)]));
        for (const [name, members] of Object.entries(cohorts)) expect(await shelf.people(name), name).toEqual(members.filter((member) => seen.has(member)).toSorted(byName));
        for (const op of ['in', 'not_in']) {
          const question = { where: [{ property: 'cohort', op, value: ['did', 'listed'] }], breakdown: ['cohort.behind'] };
          const answer = (await ask('trend', { ...TIME, ...question, series: [{ measure: 'users' }] }, shelf.context)) as unknown as { series: { breakdown: string[]; total: number }[] };
          const lines = trendOracle(withCohorts(events, cohorts, now.of), { ...RANGE, timezone: 'UTC', granularity: 'day', ...question, series: [{ measure: 'users' }] }, now.of).flat();
          const plain = (of: readonly { breakdown: string[]; total: number }[]) => of.map(({ breakdown, total }) => [breakdown[0], total]);
          expect(plain(answer.series), op).toEqual(plain(lines));
        }
        expect(shelf.errors).toEqual([]);
      }),
      { ...PROPERTY_RUN, numRuns: RUNS },
    );
  });

  it('lose nobody who logs in, is merged or is cut off again, and nobody comes to them by doing the same later', async () => {
    const project = 'static logins';
    const shelf = new Shelf(project);
    await store.add([
      storedEvent({ project, anonymousId: 'd1', eventName: 'buy', timeMs: MS }),
      storedEvent({ project, userId: 'ann', anonymousId: 'd2', eventName: 'view', timeMs: MS }),
      storedEvent({ project, anonymousId: 'd2', eventName: 'buy', timeMs: MS + 1 }),
      storedEvent({ project, userId: 'bob', eventName: 'view', timeMs: MS }),
    ]);
    expect(await shelf.save('buyers', { ...TIME, all: [{ did: 'buy' }] })).toMatchObject({ people: 2, ids: 3 });
    expect(await shelf.people('buyers')).toEqual(['user ann', 'device d1']);
    await store.add([storedEvent({ project, userId: 'cyd', anonymousId: 'd1', timeMs: MS + 2 }), storedEvent({ project, userId: 'bob', eventName: 'buy', timeMs: MS + 3 })]);
    expect(await shelf.people('buyers')).toEqual(['user ann', 'user cyd']);
    shelf.decisions = [{ verdict: 'merge', a: 'uann', b: 'ubob' }];
    expect(await shelf.people('buyers')).toEqual(['user ann', 'user cyd']);
    expect(await shelf.save('merged', { ...TIME, all: [{ did: 'buy' }] })).toMatchObject({ people: 2, ids: 5 });
    shelf.decisions = [...shelf.decisions, { verdict: 'cut', a: 'uann', b: 'ubob' }];
    expect([await shelf.people('buyers'), await shelf.people('merged')]).toEqual([['user ann', 'user cyd'], ['user ann', 'user bob', 'user cyd']]);
    // Whose device it is by now is in, and so is who had it then.
    shelf.decisions = [...shelf.decisions, { verdict: 'cut', a: 'ad2', b: 'uann' }];
    expect(await shelf.people('buyers')).toEqual(['user ann', 'user cyd', 'device d2']);
  });

  it('take any ids of a person, a user before a device, and those that nobody has yet', async () => {
    const project = 'static ids';
    const shelf = new Shelf(project);
    await store.add([
      storedEvent({ project, userId: 'ann', anonymousId: 'd1' }), storedEvent({ project, userId: 'x' }), storedEvent({ project, anonymousId: 'x' }), storedEvent({ project, anonymousId: 'd3' }), storedEvent({ project, userId: 'zoe' }),
    ]);
    await shelf.save('listed', { people: ['d1', 'ann', 'x', 'd3', 'soon', 'soon'] });
    expect(await shelf.people('listed')).toEqual(['user ann', 'device d3', 'user x']);
    await store.add([storedEvent({ project, userId: 'soon' })]);
    expect(await shelf.people('listed')).toEqual(['user ann', 'device d3', 'user soon', 'user x']);
  });

  it('take 100,000 ids, and any text as one', async () => {
    const project = 'static many';
    const shelf = new Shelf(project);
    await store.add(NASTY.map((userId) => storedEvent({ project, userId })));
    const many = Array.from({ length: 100_000 - NASTY.length }, (_, i) => `somebody-${i}-of-a-hundred-thousand`);
    expect(await shelf.save(NASTY[2]!, { people: [...many, ...NASTY] })).toMatchObject({ people: 100_000, ids: 100_000 });
    expect(await shelf.people(NASTY[2]!)).toHaveLength(NASTY.length);
    const some = await shelf.save('some', { people: NASTY.slice(4) });
    for (const name of NASTY) shelf.kept.set(name, some);
    const split = await ask('trend', { ...TIME, series: [{ measure: 'users' }], breakdown: NASTY.slice(0, 3).map((name) => `cohort.${name}`) }, shelf.context);
    expect(split).toMatchObject({ series: [{ breakdown: ['in', 'in', 'in'], total: NASTY.length - 4 }, { breakdown: ['not in', 'not in', 'not in'], total: 4 }] });
    const inAny = await ask('trend', { ...TIME, series: [{ measure: 'users' }], where: [{ property: 'cohort', op: 'in', value: NASTY }] }, shelf.context);
    expect(inAny).toMatchObject({ series: [{ total: NASTY.length - 4 }] });
    expect((await store.warehouse.query<{ left: number }>('SELECT count() AS left FROM cohort_listed')).rows).toEqual([{ left: 0 }]);
  });

  it('keep the newest saving alone; nothing is left of one that fails, is too large, or was cut off', async () => {
    const project = 'static leftovers';
    const shelf = new Shelf(project, 2);
    await store.add(['ann', 'bob', 'cyd'].map((userId, i) => storedEvent({ project, userId, eventName: i < 2 ? 'buy' : 'view' })));
    const buyers = { ...TIME, all: [{ did: 'buy' }] };
    const first = await shelf.save('buyers', buyers);
    expect(await refused(shelf.save('all', { ...TIME, all: [{ did: '*' }] }))).toMatchObject({ code: 'cohort_too_large', field: '' });
    expect(await refused(shelf.save('all', { people: ['ann', 'bob', 'cyd'] }))).toMatchObject({ code: 'cohort_too_large' });
    await expect(shelf.cohorts.save({ mode: 'static', people: ['ann'] }, shelf.context, () => Promise.reject(new Error('somebody else saved it')))).rejects.toThrow('somebody else');
    expect(await shelf.rows()).toBe(first.ids);
    const second = await shelf.save('buyers', buyers);
    expect(second.id).not.toBe(first.id);
    expect(await shelf.rows()).toBe(2);
    // As a kill leaves them: members that no question names, and those of a question that has others by now.
    await store.warehouse.command(`INSERT INTO cohort_members VALUES ('${project}', 'cut off', 'uann'), ('${project}', '${first.id}', 'uann')`);
    expect([await shelf.people('buyers'), await shelf.cohorts.sweep(), await shelf.rows(), await shelf.cohorts.sweep()]).toEqual([['user ann', 'user bob'], 2, 2, 0]);
    shelf.kept.clear();
    await shelf.cohorts.release();
    expect([await shelf.rows(), shelf.errors]).toEqual([0, []]);
  });

  it('are neither swept nor read by others while they are being saved', async () => {
    const project = 'static turns';
    const shelf = new Shelf(project);
    await store.add([storedEvent({ project, userId: 'ann' })]);
    const seen: number[] = [];
    const saving = shelf.cohorts.save({ mode: 'static', people: ['ann'] }, shelf.context, async (members) => {
      // Written, and not named yet.
      await new Promise((resume) => setTimeout(resume, 50));
      shelf.kept.set('listed', members);
    });
    const between = shelf.cohorts.between(async () => seen.push(await shelf.rows()));
    const sweeping = shelf.cohorts.sweep();
    await Promise.all([saving, between, sweeping]);
    expect([seen, await sweeping, await shelf.rows()]).toEqual([[1], 0, 1]);
  });

  it('may stand in a live one, but in none that stands in them', async () => {
    const project = 'static within';
    const shelf = new Shelf(project);
    await store.add([storedEvent({ project, userId: 'ann', eventName: 'buy' }), storedEvent({ project, userId: 'bob', eventName: 'buy' })]);
    await shelf.save('vips', { people: ['ann'] });
    const live = { ...TIME, all: [{ did: 'buy' }, { property: 'cohort', op: 'not_in', value: ['vips'] }] };
    expect(await ask('cohort', live, shelf.context)).toMatchObject({ size: 1, of: 2 });
    const context = { ...shelf.context, cohort: async (of: string, name: string) => (name === 'live' ? { question: live } : shelf.context.cohort!(of, name)) };
    const scope = { project, nowMs: context.clock(), cohort: context.cohort };
    expect(await refused(checkStaticCohort('vips', { mode: 'static', all: [{ property: 'cohort', op: 'in', value: ['live'] }] }, scope))).toMatchObject({ code: 'cohort_cycle', field: 'all[0].value' });
    const behind = { kind: 'trend', question: { series: [{}], where: [{ property: 'cohort', op: 'in', value: ['nobody'] }] }, cell: { series: 0 } };
    expect(await refused(checkStaticCohort('vips', { mode: 'static', behind }, scope))).toMatchObject({ code: 'unknown_cohort', field: 'behind.question.where[0].value' });
  });

  it('refuse what no rule explains, by name of the field', async () => {
    const shelf = new Shelf('static refusals');
    const trend = { ...TIME, series: [{}] };
    for (const [body, code, field] of [
      [{}, 'missing_field', 'all'],
      [{ people: [] }, 'invalid_value', 'people'],
      [{ people: [''] }, 'invalid_value', 'people[0]'],
      [{ people: [7] }, 'invalid_type', 'people[0]'],
      [{ people: ['a'], all: [{ did: 'a' }] }, 'unknown_field', 'all'],
      [{ people: ['a'], range: 'today' }, 'unknown_field', 'range'],
      [{ people: ['a'], breakdown: ['eventName'] }, 'unsupported_combination', 'breakdown[0]'],
      [{ all: [{ property: 'groupId', op: 'is_set' }] }, 'unsupported_combination', 'all[0].property'],
      [{ behind: { kind: 'trend', question: trend } }, 'missing_field', 'behind.cell'],
      [{ behind: { kind: 'trends', question: trend, cell: {} } }, 'unknown_kind', 'behind.kind'],
      [{ behind: { kind: 'sql', question: { query: 'SELECT 1' }, cell: {} } }, 'unsupported_combination', 'behind.kind'],
      [{ behind: { kind: 'trend', question: { ...trend, since: 1 }, cell: { series: 0 } } }, 'unknown_field', 'behind.question.since'],
      [{ behind: { kind: 'trend', question: trend, cell: { series: 1 } } }, 'invalid_value', 'behind.cell.series'],
      [{ behind: { kind: 'trend', question: trend, cell: { step: 1 } } }, 'missing_field', 'behind.cell.series'],
    ] as const) {
      expect(await refused(shelf.save('x', body)), JSON.stringify(body)).toMatchObject({ code, field });
    }
    expect(await refused(ask('cohort', { mode: 'static', all: [{ did: 'a' }] }, shelf.context))).toMatchObject({ code: 'invalid_value', field: 'mode' });
    expect(await shelf.rows()).toBe(0);
  });
});

/** A person's name first, by bytes; a user before a device of the same name. */
function byName(a: string, b: string): number {
  const [x, y] = [a.slice(a.indexOf(' ') + 1), b.slice(b.indexOf(' ') + 1)];
  return Buffer.compare(Buffer.from(x), Buffer.from(y)) || (a.startsWith('user') ? -1 : 1);
}
