import { literal } from '@tidemark/warehouse';
import Type, { type Static } from 'typebox';
import { QuestionError } from '../question/problem.ts';
import { propertySql, type Table } from '../properties/property.ts';

/** Longest value shown; longer ones that agree so far are one group (rule B3). */
const MAX_LABEL = 200;
const OTHER = 'other';
const NOT_SET = '(not set)';

/**
 * A group in SQL and between statements: one key a property, `=value`, or `-` where it is unset. So a value that reads
 * `(not set)` or `other` is never mistaken for the group of that name.
 */
export type GroupKey = readonly string[];

const UNSET = '-';
const REST = '+';

/** Columns `k0, k1, …` with the keys of an event's group. */
export function groupColumns(breakdown: readonly string[], table: Table, field: string): string[] {
  return breakdown.map((name, i) => keyColumn(propertySql(name, table, `${field}[${i}]`).text, i));
}

/** Column `k<i>`: the key of a text (NULL when unset). */
export function keyColumn(text: string, i: number): string {
  return `ifNull(concat('=', ${cutSql(text)}), '${UNSET}') AS k${i}`;
}

/** A text as far as it is shown. */
export function cutSql(text: string): string {
  return `substringUTF8(${text}, 1, ${MAX_LABEL})`;
}

export function keyNames(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `k${i}`);
}

/** SQL that is 1 for the group in which every property is unset: it is shown by itself, beside the top ones. */
export function allUnsetSql(count: number): string {
  return keyNames(count).map((name) => `${name} = '${UNSET}'`).join(' AND ');
}

/** Columns `g0, g1, …`: the keys of the groups that are kept, one and the same key for the rest. */
export function keptColumns(count: number, kept: readonly GroupKey[]): string[] {
  if (count === 0) return [];
  const names = keyNames(count);
  const list = [...kept, names.map(() => UNSET)].map((key) => `(${key.map(literal).join(', ')})`).join(', ');
  const isKept = `(${names.join(', ')}) IN (${list})`;
  return restColumns(count, `NOT (${isKept})`);
}

/**
 * Rows with `k0, …`, and `g0, …` of those that are kept beside them. In a SELECT of its own: the engine resolves what a name stands for
 * once more wherever it is used, and reading a property is a long expression. A statement of a trend by three properties took 60 ms before
 * it read anything, and 40 so; one that counts sessions 320 and 120 (chDB 26.7, 2026-11-24).
 */
export function withKept(rows: string, count: number, kept: readonly GroupKey[]): string {
  return count === 0 ? rows : `SELECT *, ${keptColumns(count, kept).join(', ')} FROM (${rows})`;
}

/** Columns `g0, g1, …`: the keys of the groups of rows, one and the same where SQL says that they are of the rest. */
export function restColumns(count: number, isRest: string): string[] {
  return keyNames(count).map((name, i) => `if(${isRest}, '${REST}', ${name}) AS g${i}`);
}

/** What is shown of a group. */
export function groupLabels(key: GroupKey): string[] {
  return key.map((part) => (part === REST ? OTHER : part === UNSET ? NOT_SET : part.slice(1)));
}

/** Order of groups in an answer: the kept ones by rank, then the rest, then the unset; the one group there is without a breakdown. */
export function groupOrder(kept: readonly GroupKey[], count: number): GroupKey[] {
  if (count === 0) return [[]];
  const all = (part: string): GroupKey => Array.from({ length: count }, () => part);
  return [...kept, all(REST), all(UNSET)];
}

/** A text that two keys share when they are the same group's. */
export function sameGroup(a: GroupKey): string {
  return JSON.stringify(a);
}

/** A group as a cell names it (rule K4): the labels that the answer shows. */
export const CellGroup = Type.Array(
  Type.Union([Type.String({ maxLength: 2 * MAX_LABEL }), Type.Object({ value: Type.String({ maxLength: 2 * MAX_LABEL, description: 'one that reads "other" or "(not set)" itself' }) }, { additionalProperties: false })], {
    description: 'a value as the answer shows it, or {"value": "other"} for one that reads so',
  }),
  { maxItems: 3, description: 'a group as the answer shows it; absent = the whole' },
);
export type CellGroup = Static<typeof CellGroup>;

/** The key of the group that a cell names, among those that are kept. Throws a QuestionError when the answer has no such group. */
export function groupOfCell(labels: CellGroup, count: number, kept: readonly GroupKey[]): GroupKey {
  const isRest = labels.every((label) => label === OTHER);
  const key = labels.map((label) => (isRest ? REST : label === NOT_SET ? UNSET : `=${typeof label === 'string' ? label : label.value}`));
  const isShown = isRest || key.every((part) => part === UNSET) || kept.some((other) => sameGroup(other) === sameGroup(key));
  if (labels.length === count && count > 0 && isShown) return key;
  throw noSuchGroup(labels);
}

export function noSuchGroup(labels: CellGroup): QuestionError {
  return new QuestionError({
    code: 'invalid_value', field: 'cell.breakdown', value: labels, rule: 'a group that the answer shows, as it shows it',
    detail: 'The answer has no such group; name one as its breakdown shows it.',
  });
}

/** SQL that is 1 for the rows of a group, by the columns of `keptColumns`. */
export function inGroupSql(group: GroupKey): string {
  return group.map((part, i) => `g${i} = ${literal(part)}`).join(' AND ') || '1';
}
