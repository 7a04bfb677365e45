/** The people behind a number of an experiment (rule K5). */
import { literal } from '@tidemark/warehouse';
import Type, { type Static } from 'typebox';
import type { Asking } from '../asking.ts';
import { CellGroup, groupOfCell, inGroupSql, keptColumns, keyNames, noSuchGroup, sameGroup } from '../breakdown.ts';
import { noSuch } from '../cell.ts';
import { controlOf, type SumsRow } from './experiment-rows.ts';
import type { Question } from './experiment-question.ts';
import { exposedSql, sumsSql } from './experiment-sql.ts';

export const Cell = Type.Object(
  {
    variant: Type.String({ maxLength: 400 }),
    metric: Type.Optional(Type.Integer({ minimum: 0, description: 'number of the metric, from 0; absent = all of the variant' })),
    outcome: Type.Optional(Type.Enum(['converted', 'not'], { description: 'converted (default) or not' })),
    breakdown: Type.Optional(CellGroup),
  },
  { additionalProperties: false },
);
export type Cell = Static<typeof Cell>;

/** SELECT of the people exposed to a variant; of a metric those with an event of it after that, or without. */
export async function peopleOf(question: Question, { variant, metric, outcome, breakdown }: Cell, asking: Asking): Promise<string> {
  const { metrics } = question;
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
