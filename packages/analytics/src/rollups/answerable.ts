import type { Question } from '../kinds/trend-question.ts';
import type { Where } from '../schema.ts';
import { isNumberText } from '../where.ts';
import { rollupText, TEXT_COLUMNS } from './columns.ts';

/** Can series `i` of a trend be answered from rollups: does it count events or users, and ask only for what these hold? */
export function isAnswerable({ series, where, breakdown = [] }: Question, i: number): boolean {
  const { measure = 'events', where: own } = series[i] ?? {};
  return (measure === 'events' || measure === 'users') && breakdown.every((name) => rollupText(name) !== undefined) && isHeld(where) && isHeld(own);
}

function isHeld(where: Where = []): boolean {
  return where.flatMap((item) => ('any' in item ? item.any : [item])).every(({ property, op, value }) => {
    if (rollupText(property) === undefined) return false;
    // Of the context's properties only the text is kept, which doesn't tell the number 1 from the list [1].
    if (!Object.hasOwn(TEXT_COLUMNS, property)) return true;
    const isCompared = op === '>' || op === '>=' || op === '<' || op === '<=';
    return [value ?? []].flat().every((each) => typeof each !== 'number' && !(isCompared && isNumberText(each)));
  });
}
