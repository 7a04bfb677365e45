/** The people behind a number of an answer about paths (rule K5). */
import { literal } from '@tidemark/warehouse';
import Type, { type Static } from 'typebox';
import type { Asking } from '../../asking/asking.ts';
import { CellGroup, groupOfCell, inGroupSql, keptColumns, keyNames, noSuchGroup, sameGroup } from '../../events/breakdown.ts';
import { noSuch } from '../../question/cell.ts';
import { NONE, OTHERS, readLinks, type LinkRow } from './counts.ts';
import { planOf, type PathsPlan, type Question } from './question.ts';
import { pathsSql } from './sql.ts';

const Node = Type.Union([Type.String({ maxLength: 1_000 }), Type.Object({ value: Type.String({ maxLength: 1_000, description: 'one that reads "other" or "drop-off" itself' }) }, { additionalProperties: false })], {
  description: 'a node as the answer shows it, or {"value": "other"} for an event that is called so',
});
type Node = Static<typeof Node>;

export const Cell = Type.Object(
  {
    step: Type.Optional(Type.Integer({ minimum: 1, description: 'number of a step, from 1; with node' })),
    node: Type.Optional(Node),
    next: Type.Optional(Node),
    truncated: Type.Optional(Type.Literal(true, { description: 'true = whose path goes on behind the last step; instead of step and node' })),
    breakdown: Type.Optional(CellGroup),
  },
  { additionalProperties: false },
);
export type Cell = Static<typeof Cell>;

/** SELECT of the people who stand at a node, or go from it to another; without a node of all who have a path. */
export async function peopleOf(question: Question, cell: Cell, asking: Asking): Promise<string> {
  const { breakdown = [], limit = 10 } = question;
  const plan = planOf(question);
  const keys = keyNames(breakdown.length);
  const paths = pathsSql(question, plan, asking);
  const links = await readLinks(paths, plan, { count: breakdown.length, limit }, asking);
  const columns = ['*'];
  const conditions: string[] = [];
  let own = links;
  if (cell.breakdown !== undefined) {
    const shown = [...new Map(links.map((row) => [row.place, keys.map((key) => String(row[key]))])).values()];
    const group = groupOfCell(cell.breakdown, keys.length, shown);
    own = links.filter((row) => sameGroup(keys.map((key) => String(row[key]))) === sameGroup(group));
    if (own.length === 0) throw noSuchGroup(cell.breakdown);
    columns.push(...keptColumns(keys.length, shown));
    conditions.push(inGroupSql(group));
  }
  conditions.push(...nodeConditions(cell, plan, links, own));
  return `SELECT person FROM (SELECT ${columns.join(', ')} FROM (${paths}))${conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`}`;
}

/** `links`: of the whole, which decides the nodes that are shown; `own`: of the cell's group. */
function nodeConditions({ step, node, next, truncated }: Cell, plan: PathsPlan, links: readonly LinkRow[], own: readonly LinkRow[]): string[] {
  if (truncated) {
    if (step !== undefined || node !== undefined) throw noSuch('truncated', truncated, 'absent where a step or node is given');
    return [`length(path) > ${plan.steps}`];
  }
  if (step === undefined && node === undefined && next === undefined) return [];
  if (step === undefined || step > plan.steps) throw noSuch('step', step, `a number from 1 to ${plan.steps}`);
  const key = node === undefined ? undefined : keyOf(node, plan);
  const isShown = (row: LinkRow): boolean => (row.step === step && row.node === key) || (key === NONE && row.step === step - 1 && row.next === NONE);
  if (key === undefined || !own.some(isShown)) throw noSuch('node', node, 'a node that the answer shows at this step');
  if (next === undefined) return [isAt(step, key, links)];
  const to = keyOf(next, plan);
  if (step === plan.steps || !own.some((row) => row.step === step && row.node === key && row.next === to)) throw noSuch('next', next, 'a node to which the answer shows a link');
  return [isAt(step, key, links), isAt(step + 1, to, links)];
}

function keyOf(node: Node, { way }: PathsPlan): string {
  if (node === 'other') return OTHERS;
  if (node === (way === 'before' ? 'start' : 'drop-off') && way !== 'between') return NONE;
  return `=${typeof node === 'string' ? node : node.value}`;
}

/** SQL that is 1 for paths with the node at a step. */
function isAt(step: number, key: string, links: readonly LinkRow[]): string {
  if (key === NONE) return `length(path) = ${step - 1}`;
  if (key !== OTHERS) return `path[${step}] = ${literal(key.slice(1))} AND length(path) >= ${step}`;
  const shown = new Set(links.filter((row) => row.step === step && row.node !== OTHERS).map((row) => row.node.slice(1)));
  return `length(path) >= ${step} AND path[${step}] NOT IN (${[...shown].map((name) => literal(name)).join(', ')})`;
}
