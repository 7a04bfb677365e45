/** Sentences about what is too long, too short, too great, too small or there twice: what was found, and how much there may be. */
import type { ErrorObject } from 'ajv/dist/2020.js';

const LISTS = ['minItems', 'maxItems'];
const TEXTS = ['minLength', 'maxLength'];
const NUMBERS = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'];

/** Whether a value is of the right type, and only too much or too little. */
export function isOfLimit({ keyword }: ErrorObject): boolean {
  return [...LISTS, ...TEXTS, ...NUMBERS, 'uniqueItems'].includes(keyword);
}

/** The rule that a value breaks, and a sentence that says what to give instead; undefined where no limit is meant. `name` is the field's. */
export function limitBroken(error: ErrorObject, name: string): { rule: string; detail: string } | undefined {
  const { keyword, data, params } = error;
  const schema = error.parentSchema as Record<string, number | undefined> & { description?: string };
  if (keyword === 'uniqueItems') {
    const { i, j } = params as { i: number; j: number };
    const twice = JSON.stringify((data as unknown[])[j]);
    return { rule: 'each entry once', detail: `${name} has ${twice} twice (entries ${Math.min(i, j)} and ${Math.max(i, j)}); leave one out.` };
  }
  const told = (found: string, limits: string): { rule: string; detail: string } => ({ rule: schema.description ?? limits, detail: `${name} ${found}; give ${limits}.` });
  if (LISTS.includes(keyword)) return told(`has ${counted((data as unknown[]).length, 'entry', 'entries')}`, between(schema['minItems'], schema['maxItems']));
  if (TEXTS.includes(keyword)) return told(`has ${counted(characters(data as string), 'character', 'characters')}`, between(schema['minLength'], schema['maxLength']));
  if (NUMBERS.includes(keyword)) return told(`is ${JSON.stringify(data)}`, betweenNumbers(schema));
  return undefined;
}

function counted(n: number, one: string, many: string): string {
  return n === 0 ? `no ${many}` : n === 1 ? `1 ${one}` : `${n.toLocaleString('en')} ${many}`;
}

/** As JSON Schema counts them: a pair of surrogates is one. */
function characters(text: string): number {
  return text.length - (text.match(/[\uD800-\uDBFF][\uDC00-\uDFFF]/g)?.length ?? 0);
}

function between(least: number | undefined, most: number | undefined): string {
  if (most === undefined) return `at least ${shown(least ?? 0)}`;
  if (least === undefined || least === 0) return most === 0 ? 'none' : `at most ${shown(most)}`;
  return least === most ? `just ${shown(least)}` : `${shown(least)} to ${shown(most)}`;
}

function betweenNumbers({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: Record<string, number | undefined>): string {
  if (exclusiveMinimum === undefined && exclusiveMaximum === undefined && minimum !== undefined && maximum !== undefined) return `${shown(minimum)} to ${shown(maximum)}`;
  const bounds = [
    exclusiveMinimum !== undefined && `more than ${shown(exclusiveMinimum)}`,
    minimum !== undefined && `at least ${shown(minimum)}`,
    exclusiveMaximum !== undefined && `less than ${shown(exclusiveMaximum)}`,
    maximum !== undefined && `at most ${shown(maximum)}`,
  ];
  return bounds.filter((bound) => bound !== false).join(' and ');
}

function shown(n: number): string {
  return n.toLocaleString('en');
}
