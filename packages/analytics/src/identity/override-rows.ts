/** The rows of `identity_overrides` that an identity is: overrides-table.ts writes them. */
import { literal } from '@tidemark/warehouse';

/** `one` and `other`: node and name, device and user, or a user and ''. */
export type OverrideRow = readonly [kind: OverrideKind, one: string, other: string];
export type OverrideKind = 'name' | 'cut' | 'hub';

/** Where an identity stands in the table: all rows of the version `base`, and what the versions `changes` say since. */
export interface OverridesTable {
  base: number;
  /** In their order. Versions between them are other identities', that began at the same base. */
  changes: readonly number[];
  /** Of all `changes`. */
  changedRows: number;
  rows: ReadonlyMap<string, OverrideRow>;
}

/** SELECT of `one` and `other`: the rows of a kind, as of `table`. */
export function overrideRows(project: string, { base, changes }: Pick<OverridesTable, 'base' | 'changes'>, kind: OverrideKind): string {
  const of = (condition: string): string => `SELECT one, other FROM identity_overrides WHERE project = ${literal(project)} AND ${condition}`;
  const whole = of(`version = ${base} AND kind = '${kind}'`);
  if (changes.length === 0) return whole;
  const changed = of(`version IN (${changes.join(', ')}) AND kind IN ('${kind}', 'no ${kind}')`);
  return `${whole} AND (one, other) NOT IN (${changed}) UNION ALL ${changed} GROUP BY one, other HAVING argMax(kind, version) = '${kind}'`;
}
