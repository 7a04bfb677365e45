import type { Selectable } from 'kysely';
import { ControlError } from './errors.ts';
import { recorded, requireProject } from './store.ts';
import type { Store } from './store.ts';
import type { Tables } from './tables.ts';

/** What somebody decided about two nodes: `u` and a userId, or `a` and an anonymousId. `a` is the smaller of the two. */
export interface IdentityDecision {
  /** Grows: of two decisions about one pair the later one holds. */
  id: number;
  verdict: 'merge' | 'cut';
  a: string;
  b: string;
  reason: string;
  madeAtMs: number;
  /** Id of the API token. */
  madeBy: string;
}

export interface IdentityDecisions {
  /** All of a project, oldest first. */
  list(project: string): Promise<readonly IdentityDecision[]>;
  /** Adds one decision for each pair, all or none. Throws `project_not_found`, `too_many_decisions`. */
  decide(decision: { project: string; verdict: 'merge' | 'cut'; pairs: readonly (readonly [string, string])[]; reason: string; actor: string }): Promise<IdentityDecision[]>;
}

/** All of them are read for a question when one was added: some 10 ms. */
const MAX_DECISIONS = 50_000;

export function createIdentityDecisions(store: Store): IdentityDecisions {
  // Each question asks for them, and rows are only ever added.
  const read = new Map<string, { decisions: readonly IdentityDecision[]; version: string }>();
  const added = store.db.selectFrom('identity_decisions').selectAll().where('project', '=', '').where('id', '>', 0).orderBy('id').compile();
  return {
    async list(project) {
      const version = store.version();
      const held = read.get(project);
      if (held?.version === version) return held.decisions;
      const before = held?.decisions ?? [];
      const { rows } = await store.db.executeQuery<Selectable<Tables['identity_decisions']>>({ ...added, parameters: [project, before.at(-1)?.id ?? 0] });
      const decisions = rows.map(({ id, verdict, node_a: a, node_b: b, reason, made_at_ms: madeAtMs, made_by: madeBy }) => ({ id, verdict, a, b, reason, madeAtMs, madeBy }));
      const all = rows.length === 0 ? before : [...before, ...decisions];
      read.set(project, { decisions: all, version });
      return all;
    },

    async decide({ project, verdict, pairs, reason, actor }) {
      const change = { project, actor, action: `identity.${verdict}`, subject: project, detail: { pairs, reason } };
      return recorded(store, change, async (trx, nowMs) => {
        await requireProject(trx, project);
        const { made } = await trx.selectFrom('identity_decisions').select((is) => is.fn.countAll<number>().as('made')).where('project', '=', project).executeTakeFirstOrThrow();
        if (made + pairs.length > MAX_DECISIONS) {
          throw new ControlError('too_many_decisions', `A project takes at most ${MAX_DECISIONS} decisions about identity: send an alias event for each link instead.`);
        }
        const decisions: IdentityDecision[] = [];
        for (const pair of pairs) {
          const [a, b] = inOrder(pair);
          const row = { project, verdict, node_a: a, node_b: b, reason, made_at_ms: nowMs, made_by: actor };
          const { id } = await trx.insertInto('identity_decisions').values(row).returning('id').executeTakeFirstOrThrow();
          decisions.push({ id, verdict, a, b, reason, madeAtMs: nowMs, madeBy: actor });
        }
        return decisions;
      });
    },
  };
}

/** As SQLite compares them, by their bytes. */
function inOrder([one, other]: readonly [string, string]): readonly [string, string] {
  return Buffer.compare(Buffer.from(one), Buffer.from(other)) < 0 ? [one, other] : [other, one];
}
