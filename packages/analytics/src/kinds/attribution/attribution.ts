/** What brought the people who converted. */
import Type, { type Static } from 'typebox';
import type { Asking } from '../../asking/asking.ts';
import type { Reach } from '../../asking/reach.ts';
import type { Kind } from '../../kind.ts';
import { groupLabels, keyNames } from '../../events/breakdown.ts';
import type { Span } from '../../cache/stored.ts';
import { shareSumOf } from '../../measures/decimal.ts';
import type { TimeRange } from '../../time/range.ts';
import { Cell, peopleOf } from './people.ts';
import { Question, type Model } from './question.ts';
import { breakdownOf, earliestMs, modelsOf, partsSql, sumsSql } from './sql.ts';

const Given = Type.Object({ conversions: Type.Number(), value: Type.Number() });
const Answer = Type.Object({
  conversions: Type.Integer(),
  value: Type.Number({ description: 'what the conversions are worth together' }),
  users: Type.Integer({ description: 'people who converted' }),
  withoutTouch: Type.Integer({ description: 'conversions with no touch before them: given to direct' }),
  breakdowns: Type.Array(Type.Object({ breakdown: Type.Array(Type.String()), models: Type.Record(Type.String(), Given, { description: 'by model, as asked for' }) })),
});
type Answer = Static<typeof Answer>;

export const attribution: Kind = { name: 'attribution', summary: 'What brought the people who converted.', question: Question, answer: Answer, answerTo, reads, reach, people: { cell: Cell, peopleOf } };

function reads(question: Question, range: TimeRange): Span {
  return { fromMs: earliestMs(question, range), toMs: range.toMs };
}

function reach(question: Question, range: TimeRange): Reach {
  return { ...reads(question, range), aheadMs: 0 };
}

async function answerTo(question: Question, asking: Asking): Promise<Answer> {
  const rows = await asking.query<Record<string, string | number>>(sumsSql(question, await partsSql(question, asking)));
  const keys = keyNames(breakdownOf(question).length);
  const given = (row: Record<string, string | number> | undefined, i: number): Static<typeof Given> => ({
    conversions: Number(`${String(row?.[`n${i}`] ?? 0)}e-9`),
    value: shareSumOf(String(row?.[`v${i}`] ?? 0), Number(row?.[`h${i}`] ?? 0)),
  });
  const whole = rows.find((row) => Number(row['is_all']) === 1);
  // What no model gave anything has place 0.
  const groups = keys.length === 0 ? [] : rows.filter((row) => Number(row['is_all']) === 0 && Number(row['place']) > 0);
  return {
    ...given(whole, 0),
    users: Number(whole?.['users'] ?? 0),
    withoutTouch: Number(whole?.['touchless'] ?? 0),
    breakdowns: groups.map((row) => ({
      breakdown: groupLabels(keys.map((key) => String(row[key]))),
      models: Object.fromEntries(modelsOf(question).map((model: Model, i) => [model, given(row, i)])),
    })),
  };
}
