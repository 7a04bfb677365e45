import type { Question } from '../kinds/trend/question.ts';
import type { Where } from '../question/schema.ts';
import { isNumberText } from '../events/where.ts';
import { isFixed, isInAll, isNameable } from './columns.ts';

/**
 * Which rollups could answer series `i` of a trend, if there are such: those by the fixed dimensions (''), or by the one
 * property that it asks for. Undefined when it counts other than events and users, or asks for more than rollups hold.
 */
export function answerableBy({ series, where = [], breakdown = [] }: Question, i: number): string | undefined {
  const { measure = 'events', where: own = [] } = series[i] ?? {};
  if (measure !== 'events' && measure !== 'users') return undefined;
  const conditions = [...where, ...own].flatMap((item) => ('any' in item ? item.any : [item]));
  if (!conditions.every(asksForText)) return undefined;
  const asked = new Set([...breakdown, ...conditions.map(({ property }) => property)].filter((name) => !isInAll(name)));
  if ([...asked].every(isFixed)) return '';
  const [named, ...others] = asked;
  return named !== undefined && others.length === 0 && isNameable(named) ? named : undefined;
}

/** Only the text is kept of what stands in a document, which doesn't tell the number 1 from the list [1]. */
function asksForText({ property, op, value }: Exclude<Where[number], { any: unknown }>): boolean {
  if (isInAll(property)) return true;
  const isCompared = op === '>' || op === '>=' || op === '<' || op === '<=';
  return [value ?? []].flat().every((each) => typeof each !== 'number' && !(isCompared && isNumberText(each)));
}
