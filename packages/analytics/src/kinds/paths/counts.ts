/** Paths counted, then cut (rules H5 to H7): all nodes and links over all paths, of which each step keeps those with the most people. */
import type { Asking } from '../../asking/asking.ts';
import { allUnsetSql, keyNames } from '../../events/breakdown.ts';
import { QuestionError } from '../../question/problem.ts';
import type { PathsPlan } from './question.ts';

/** A node in SQL: `=name`, or what stands for the others, or for none at all. So no event's name is mistaken for one of these. */
export const OTHERS = '+';
export const NONE = '-';
/** Instead of a next node: the path ends with this one, as one between two anchors does; it goes on behind the last step. */
const END = '';
export const MORE = '>';

const MAX_ROWS = 200_000;

/** People with a node at a step and one after it, of one group (see `place` of `linksSql`). */
export interface LinkRow {
  [key: string]: unknown;
  place: number;
  step: number;
  node: string;
  next: string;
  n: number;
}

/** Throws a QuestionError where there are more than an answer can hold. */
export async function readLinks(paths: string, plan: PathsPlan, groups: { count: number; limit: number }, { query }: Asking): Promise<LinkRow[]> {
  const rows = await query<LinkRow>(`${linksSql(paths, plan, groups)} LIMIT ${MAX_ROWS + 1}`);
  if (rows.length <= MAX_ROWS) return rows.map((row) => ({ ...row, place: Number(row.place), step: Number(row.step), n: Number(row.n) }));
  throw new QuestionError({ code: 'question_too_expensive', field: 'steps', rule: `at most ${MAX_ROWS} links in an answer`, detail: `The answer would have more than ${MAX_ROWS} links; ask for fewer steps, nodes or groups.` });
}

/**
 * SELECT of LinkRows, with the group's keys k0, … and its `place` (the rest after those shown, the unset last; 1 without a
 * breakdown). A person stands once at each step, so people add up, and a node has as many as the links out of it.
 */
function linksSql(paths: string, { way, steps, nodeLimit }: PathsPlan, { count, limit }: { count: number; limit: number }): string {
  const keys = keyNames(count);
  const ofGroup = keys.map((key) => `${key}, `).join('');
  const ended = way === 'between' ? END : NONE;
  const next = `multiIf(i < length(path), if(i = ${steps}, '${MORE}', concat('=', path[i + 1])), i = ${steps}, '${END}', '${ended}')`;
  const counted = `SELECT ${ofGroup}path, count() AS people FROM (${paths}) GROUP BY ${ofGroup}path`;
  const links = `SELECT ${ofGroup}i AS step, concat('=', path[i]) AS node, ${next} AS next, sum(people) AS n
    FROM (${counted}) ARRAY JOIN range(1, toUInt8(least(length(path), ${steps})) + 1) AS i GROUP BY ${ofGroup}step, node, next`;
  const isNode = `startsWith(next, '=')`;
  const sized = `SELECT *, ${isNode} AS is_node, ${allUnsetSql(count) || '0'} AS is_unset, sum(n) OVER (PARTITION BY step, node) AS node_users, sum(n) OVER (PARTITION BY step, next) AS next_users${
    count === 0 ? '' : `, sum(if(step = 1, n, 0)) OVER (PARTITION BY ${keys.join(', ')}) AS size`
  } FROM (${links})`;
  const place = count === 0 ? '1' : `if(is_unset, ${limit + 2}, least(dense_rank() OVER (PARTITION BY is_unset ORDER BY size DESC, ${keys.join(', ')}), ${limit + 1}))`;
  const ranked = `SELECT *, ${place} AS place, dense_rank() OVER (PARTITION BY step ORDER BY node_users DESC, node) AS node_rank,
    dense_rank() OVER (PARTITION BY step, is_node ORDER BY next_users DESC, next) AS next_rank FROM (${sized})`;
  const cut = [
    ...keys.map((key) => `if(place = ${limit + 1}, '${OTHERS}', ${key}) AS ${key}`),
    `if(node_rank <= ${nodeLimit}, node, '${OTHERS}') AS node`,
    `if(is_node AND next_rank > ${nodeLimit}, '${OTHERS}', next) AS next`,
  ];
  return `SELECT place, ${cut.join(', ')}, step, sum(n) AS n FROM (${ranked}) GROUP BY place, ${ofGroup}step, node, next ORDER BY place`;
}
