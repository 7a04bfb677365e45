/** From the words of a command line to a question of the API (docs/questions.md). */
import { CommandProblem } from '../command.ts';
import { assign } from './assignments.ts';

export const QUESTION_OPTIONS = {
  event: { type: 'string', multiple: true },
  measure: { type: 'string' },
  steps: { type: 'string' },
  window: { type: 'string' },
  order: { type: 'string' },
  start: { type: 'string' },
  return: { type: 'string' },
  period: { type: 'string' },
  entry: { type: 'string' },
  mode: { type: 'string' },
  conversion: { type: 'string' },
  value: { type: 'string' },
  lookback: { type: 'string' },
  granularity: { type: 'string' },
  by: { type: 'string', multiple: true },
  where: { type: 'string', multiple: true },
  last: { type: 'string' },
  range: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  timezone: { type: 'string' },
  limit: { type: 'string' },
  formula: { type: 'string' },
  compare: { type: 'string' },
  'include-bots': { type: 'boolean' },
} as const;

export interface QuestionFlags {
  event?: string[] | undefined;
  measure?: string | undefined;
  steps?: string | undefined;
  window?: string | undefined;
  order?: string | undefined;
  start?: string | undefined;
  return?: string | undefined;
  period?: string | undefined;
  entry?: string | undefined;
  mode?: string | undefined;
  conversion?: string | undefined;
  value?: string | undefined;
  lookback?: string | undefined;
  granularity?: string | undefined;
  by?: string[] | undefined;
  where?: string[] | undefined;
  last?: string | undefined;
  range?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
  timezone?: string | undefined;
  limit?: string | undefined;
  formula?: string | undefined;
  compare?: string | undefined;
  'include-bots'?: boolean | undefined;
}

export type Question = Record<string, unknown>;

/** The question given as JSON, with fields (`steps=4`) and then the flags laid over it. @throws CommandProblem */
export function buildQuestion(kind: string, json: string | undefined, fields: readonly string[], flags: QuestionFlags): Question {
  const question = json === undefined ? {} : parseQuestion(json);
  for (const word of fields) assign(question, word);
  if (kind === 'trend' && flags.event) {
    const measure = measureOf(flags.measure);
    question['series'] = flags.event.map((event) => ({ event, ...(measure === undefined ? {} : { measure }) }));
  }
  if (flags.steps !== undefined) question['steps'] = flags.steps.split(',').map((event) => ({ event: event.trim() }));
  if (kind === 'retention') {
    for (const name of ['start', 'return'] as const) {
      if (flags[name] !== undefined) question[name] = { event: flags[name] };
      else if (json === undefined) question[name] ??= {};
    }
  }
  if (flags.conversion !== undefined) question['conversion'] = { event: flags.conversion, ...(flags.value === undefined ? {} : { value: flags.value }) };
  const plain = ['period', 'entry', 'mode', 'lookback', 'window', 'order', 'granularity', 'from', 'to', 'range', 'timezone', 'formula', 'compare'] as const;
  for (const name of plain) if (flags[name] !== undefined) question[name] = flags[name];
  if (flags.last !== undefined) question['range'] = `last ${flags.last}`;
  if (flags.by) question['breakdown'] = flags.by;
  if (flags.where) question['where'] = flags.where.map(conditionOf);
  if (flags.limit !== undefined) question['limit'] = Number(flags.limit);
  if (flags['include-bots']) question['includeBots'] = true;
  return question;
}

function parseQuestion(json: string): Question {
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Question;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new CommandProblem(
    `The question '${json.slice(0, 60)}' is not a JSON object.`,
    `write it in single quotes, such as '{"series":[{"event":"purchase"}]}', or use flags such as --event purchase.`,
  );
}

/** `users`, or `sum:properties.price`. */
function measureOf(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  const colon = text.indexOf(':');
  return colon < 0 ? text : { [text.slice(0, colon)]: text.slice(colon + 1) };
}

const CONDITION = /^([A-Za-z_][^=!<>~\s]*)\s*(!=|>=|<=|!~|=|>|<|~)\s*(.*)$/s;
const SET = /^([A-Za-z_]\S*)\s+(is_set|is_not_set)$/;
const WORD_OF: Record<string, string> = { '~': 'contains', '!~': 'not_contains' };

/**
 * `properties.price>=10`, `context.os=iOS`, `properties.plan~pro` (contains), `properties.coupon is_set`. A property
 * may hold 5 or "5" and a shell can't tell them apart, so equality takes both.
 */
export function conditionOf(text: string): Question {
  const set = SET.exec(text);
  if (set) return { property: set[1], op: set[2] };
  const match = CONDITION.exec(text);
  if (!match) {
    throw new CommandProblem(
      `The condition '${text}' can't be read.`,
      `write it like --where 'properties.price>=10', --where context.os=iOS or --where 'properties.coupon is_set'.`,
    );
  }
  const [, property, symbol = '=', written = ''] = match;
  const value = scalarOf(written);
  if (typeof value === 'number' && (symbol === '=' || symbol === '!=')) {
    return { property, op: symbol === '=' ? 'in' : 'not_in', value: [written, value] };
  }
  return { property, op: WORD_OF[symbol] ?? symbol, value };
}

function scalarOf(text: string): string | number | boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  if (/^".*"$/s.test(text)) return text.slice(1, -1);
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}
