/** The people behind a number of an attribution (rule K5). */
import Type, { type Static } from 'typebox';
import type { Asking } from '../../asking/asking.ts';
import { CellGroup, groupOfCell, inGroupSql, keptColumns, keyNames, noSuchGroup, sameGroup } from '../../events/breakdown.ts';
import { noSuch } from '../../question/cell.ts';
import { MODELS, type Question } from './question.ts';
import { breakdownOf, modelsOf, partsSql, sumsSql } from './sql.ts';

export const Cell = Type.Object(
  {
    model: Type.Optional(Type.Enum([...MODELS], { description: `one of ${MODELS.join(', ')}` })),
    breakdown: Type.Optional(CellGroup),
    withoutTouch: Type.Optional(Type.Literal(true, { description: 'true = with a conversion that no touch came before; by itself' })),
  },
  { additionalProperties: false },
);
export type Cell = Static<typeof Cell>;

/** SELECT of the people with a conversion; of a group, with one of which the model gives it a part; or with one without a touch. */
export async function peopleOf(question: Question, { model, breakdown: labels, withoutTouch }: Cell, asking: Asking): Promise<string> {
  if (withoutTouch === true) {
    if (model !== undefined || labels !== undefined) throw noSuch('withoutTouch', true, 'by itself: it is told of the whole, and the same by every model');
    return `SELECT DISTINCT person FROM (${await partsSql(question, asking)}) WHERE is_touchless`;
  }
  const models = modelsOf(question);
  const place = model === undefined ? -1 : models.indexOf(model);
  if (place < 0 && (model !== undefined || labels !== undefined)) throw noSuch('model', model, `one of ${models.join(', ')}`);
  const parts = await partsSql(question, asking);
  if (labels === undefined) return `SELECT DISTINCT person FROM (${parts})`;

  const keys = keyNames(breakdownOf(question).length);
  const rows = keys.length === 0 ? [] : await asking.query<Record<string, string>>(`SELECT DISTINCT ${keys.join(', ')} FROM (${sumsSql(question, parts)}) WHERE is_all = 0 AND place > 0`);
  const shown = rows.map((row) => keys.map((key) => row[key]!));
  const group = groupOfCell(labels, keys.length, shown);
  if (!shown.some((other) => sameGroup(other) === sameGroup(group))) throw noSuchGroup(labels);
  return `SELECT DISTINCT person FROM (SELECT person, p${place}, ${keys.join(', ')}, ${keptColumns(keys.length, shown).join(', ')} FROM (${parts})) WHERE p${place} > 0 AND ${inGroupSql(group)}`;
}
