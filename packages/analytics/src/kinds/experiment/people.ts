/** The people behind a number of an experiment (rule K5). */
import { literal } from '@tidemark/warehouse';
import Type, { type Static } from 'typebox';
import type { Asking } from '../../asking/asking.ts';
import { CellGroup, groupOfCell, inGroupSql, keptColumns, keyNames, noSuchGroup, sameGroup } from '../../events/breakdown.ts';
import { noSuch } from '../../question/cell.ts';
import { QuestionError } from '../../question/problem.ts';
import { controlOf, type SumsRow } from './rows.ts';
import { rolesOf, splitOf, windowMsOf, type Question } from './question.ts';
import { exposedSql, sumsSql } from './sql.ts';

export const Cell = Type.Object(
  {
    variant: Type.Optional(Type.String({ maxLength: 400, description: 'a variant that the answer shows; required but for crossovers and unfinished' })),
    metric: Type.Optional(Type.Integer({ minimum: 0, description: 'number of the metric, from 0; absent = all of the variant' })),
    outcome: Type.Optional(Type.Enum(['converted', 'not'], { description: 'converted (default) or not' })),
    breakdown: Type.Optional(CellGroup),
    crossovers: Type.Optional(Type.Literal(true, { description: 'true = exposed to another variant later; by itself' })),
    unfinished: Type.Optional(Type.Literal(true, { description: 'true = whose window has not run out; by itself' })),
  },
  { additionalProperties: false },
);
export type Cell = Static<typeof Cell>;

/** SELECT of the people exposed to a variant; of a metric those with an event of it after that, or without; or of those that a count of the whole is of. */
export async function peopleOf(question: Question, cell: Cell, asking: Asking): Promise<string> {
  // As of the answer, so of its people: a question that is refused has none.
  rolesOf(question);
  splitOf(question);
  const mark = markOf(question, cell);
  if (mark !== undefined) return `SELECT person FROM (${exposedSql(question, asking)}) WHERE ${mark}`;
  const { variant, metric, outcome, breakdown } = cell;
  const { metrics } = question;
  if (variant === undefined) {
    throw new QuestionError({ code: 'missing_field', field: 'cell.variant', rule: 'required but for crossovers and unfinished', detail: 'cell.variant is missing: name the variant whose people are meant.' });
  }
  if (metric === undefined && outcome !== undefined) throw noSuch('outcome', outcome, 'absent without a metric');
  if (metric !== undefined && metric >= metrics.length) throw noSuch('metric', metric, `a number from 0 to ${metrics.length - 1}`);
  const exposed = exposedSql(question, asking);
  const rows = await asking.query<SumsRow>(sumsSql(question, exposed));
  const seen = rows.filter((row) => Number(row.is_all) === 1).map((row) => row.variant);
  if (!seen.includes(variant) && variant !== controlOf(question, seen)) throw noSuch('variant', variant, 'a variant that the answer shows');

  const keys = keyNames(question.breakdown?.length ?? 0);
  const conditions = [`variant = ${literal(variant)}`];
  const columns = ['person', 'variant', 'done'];
  if (metric !== undefined) conditions.push(`bitTest(done, ${metric}) = ${outcome === 'not' ? 0 : 1}`);
  if (breakdown !== undefined) {
    const shown = keys.length === 0 ? [] : rows.filter((row) => Number(row.is_all) === 0).map((row) => keys.map((key) => String(row[key])));
    const group = groupOfCell(breakdown, keys.length, shown);
    if (!shown.some((other) => sameGroup(other) === sameGroup(group))) throw noSuchGroup(breakdown);
    columns.push(...keptColumns(keys.length, shown));
    conditions.push(inGroupSql(group));
  }
  return `SELECT person FROM (SELECT ${columns.join(', ')} FROM (${exposed})) WHERE ${conditions.join(' AND ')}`;
}

/** The column that marks those of a count that is told of the whole; undefined = the cell is of a variant. Throws a QuestionError. */
function markOf(question: Question, { crossovers, unfinished, ...others }: Cell): 'is_crossed' | 'is_unfinished' | undefined {
  if (crossovers === undefined && unfinished === undefined) return undefined;
  const name = crossovers === undefined ? 'unfinished' : 'crossovers';
  if ((crossovers !== undefined && unfinished !== undefined) || Object.keys(others).length > 0) throw noSuch(name, true, 'by itself: it is told of all variants together');
  if (unfinished !== undefined && windowMsOf(question) === undefined) throw noSuch(name, true, 'absent where the question has no window');
  return name === 'crossovers' ? 'is_crossed' : 'is_unfinished';
}
