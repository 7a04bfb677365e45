/** Who did what, did not do what, or is what. */
import Type, { type Static } from 'typebox';
import type { Asking } from '../../asking/asking.ts';
import type { Kind } from '../../kind.ts';
import { allUnsetSql, CellGroup, groupColumns, groupLabels, groupOfCell, inGroupSql, keptColumns, keyNames, noSuchGroup, sameGroup, type GroupKey } from '../../events/breakdown.ts';
import { noSuch } from '../../question/cell.ts';
import { Question } from './question.ts';
import { reachOfCohort } from './reach.ts';
import { membersSql, peopleSql, refuseOthersProperties } from './sql.ts';

const Answer = Type.Object({
  size: Type.Integer({ description: 'people for whom all conditions hold' }),
  of: Type.Integer({ description: 'people with any event before the end of the range' }),
  share: Type.Number({ description: 'size / of; 0 of nobody' }),
  breakdowns: Type.Array(Type.Object({ breakdown: Type.Array(Type.String()), size: Type.Integer() })),
});
type Answer = Static<typeof Answer>;

const Cell = Type.Object(
  { breakdown: Type.Optional(CellGroup), of: Type.Optional(Type.Literal(true, { description: 'true = all with any event before the end of the range; by itself' })) },
  { additionalProperties: false },
);
type Cell = Static<typeof Cell>;

export const cohort: Kind = {
  name: 'cohort', summary: 'Who did what, did not do what, or is what.', question: Question, answer: Answer, answerTo, reach: reachOfCohort,
  people: { cell: Cell, peopleOf },
};

async function answerTo(question: Question, asking: Asking): Promise<Answer> {
  const groups = await groupsOf(question, asking);
  const sum = (of: 'n' | 'size'): number => groups.reduce((total, group) => total + group[of], 0);
  const [size, of] = [sum('size'), sum('n')];
  const isSplit = (question.breakdown ?? []).length > 0;
  return {
    size, of, share: of === 0 ? 0 : size / of,
    breakdowns: groups.filter((group) => isSplit && group.size > 0).map((group) => ({ breakdown: groupLabels(group.key), size: group.size })),
  };
}

async function peopleOf(question: Question, { breakdown: labels, of }: Cell, asking: Asking): Promise<string> {
  if (of === true) {
    if (labels !== undefined) throw noSuch('of', true, 'by itself: groups have no such number');
    return `SELECT person FROM (${peopleSql(question, asking)})`;
  }
  if (labels === undefined) return membersSql(question, asking);
  const count = question.breakdown?.length ?? 0;
  const shown = (await groupsOf(question, asking)).filter(({ size }) => size > 0).map(({ key }) => key);
  const kept = shown.filter((key) => !key.includes('+'));
  const group = groupOfCell(labels, count, kept);
  if (!shown.some((key) => sameGroup(key) === sameGroup(group))) throw noSuchGroup(labels);
  return `SELECT person FROM (SELECT *, ${keptColumns(count, kept).join(', ')} FROM (${keyedPeople(question, asking)})) WHERE is_member AND ${inGroupSql(group)}`;
}

interface Group {
  key: GroupKey;
  /** People of it, and how many of these are members. */
  n: number;
  size: number;
}

/** The groups by rank, then the rest, then the unset, those without members too; without a breakdown the one there is. */
async function groupsOf(question: Question, asking: Asking): Promise<Group[]> {
  const { breakdown = [], limit = 10 } = question;
  const keys = keyNames(breakdown.length);
  const counted = `SELECT ${[...keys, 'count() AS n', 'countIf(is_member) AS size'].join(', ')} FROM (${keyedPeople(question, asking)})`;
  const rows = await asking.query<Record<string, unknown>>(keys.length === 0 ? counted : rankedSql(`${counted} GROUP BY ${keys.join(', ')}`, keys, limit));
  return rows.map((row) => ({ key: keys.map((key) => String(row[key])), n: Number(row['n']), size: Number(row['size']) }));
}

function rankedSql(counted: string, keys: readonly string[], limit: number): string {
  const marked = `SELECT *, ${allUnsetSql(keys.length)} AS is_unset FROM (${counted})`;
  const ranked = `SELECT *, if(is_unset, ${limit + 2}, least(row_number() OVER (PARTITION BY is_unset ORDER BY size DESC, ${keys.join(', ')}), ${limit + 1})) AS place FROM (${marked})`;
  return `SELECT place, ${keys.map((key) => `if(place = ${limit + 1}, '+', ${key}) AS ${key}`).join(', ')}, sum(n) AS n, sum(size) AS size
FROM (${ranked}) GROUP BY place, ${keys.join(', ')} ORDER BY place`;
}

/** `peopleSql` with the columns k0, k1, … of the breakdown. */
function keyedPeople(question: Question, asking: Asking): string {
  const { breakdown = [] } = question;
  for (const [i, name] of breakdown.entries()) refuseOthersProperties(name, `breakdown[${i}]`);
  return `SELECT ${['person', 'is_member', ...groupColumns(breakdown, 'events', 'breakdown')].join(', ')} FROM (${peopleSql(question, asking)})`;
}
