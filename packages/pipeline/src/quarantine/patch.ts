/** Small mendings of quarantined events before they are judged again (protocol R3). */
import type { JsonObject, JsonValue } from '@tidemark/event';

/** `field` is a path from the event's top, with dots: `properties.price`. */
export type PatchStep =
  | { op: 'set'; field: string; value: JsonValue }
  | { op: 'remove'; field: string }
  | { op: 'rename'; field: string; to: string }
  | { op: 'cast'; field: string; to: 'text' | 'number' | 'boolean' | 'milliseconds' };

/** Why a step can't be taken of any event; undefined when it can. */
export function patchFault(step: PatchStep): { field: 'field' | 'to'; detail: string } | undefined {
  if (!isPath(step.field)) return { field: 'field', detail: NO_PATH };
  if (step.op === 'rename' && !isPath(step.to)) return { field: 'to', detail: NO_PATH };
  if (step.op === 'set' && IDS.has(step.field)) {
    return { field: 'field', detail: 'One id for all of them would make them one event; rename the field that holds the id of each.' };
  }
  return undefined;
}

const NO_PATH = 'Give a path of names with dots between them, like `properties.price`.';
const IDS: ReadonlySet<string> = new Set(['eventId', 'messageId']);

function isPath(path: string): boolean {
  return path.split('.').every((name) => name !== '' && name !== '__proto__');
}

/** The event with all steps taken in order; `value` itself is changed. What is no object stays as it is. */
export function applyPatch(value: unknown, steps: readonly PatchStep[]): unknown {
  if (!isObject(value)) return value;
  for (const step of steps) take(value, step);
  return value;
}

function take(event: JsonObject, step: PatchStep): void {
  const names = step.field.split('.');
  if (step.op === 'set') return put(event, names, step.value);
  const holder = holderOf(event, names);
  const name = names.at(-1)!;
  const value = holder?.[name];
  if (holder === undefined || value === undefined || !Object.hasOwn(holder, name)) return;
  if (step.op === 'cast') {
    const made = cast(value, step.to);
    if (made !== undefined) holder[name] = made;
    return;
  }
  delete holder[name];
  if (step.op === 'rename') put(event, step.to.split('.'), value);
}

/** The object that holds the last name of a path; undefined when there is none. */
function holderOf(event: JsonObject, names: readonly string[]): JsonObject | undefined {
  let holder: JsonObject = event;
  for (const name of names.slice(0, -1)) {
    const next = Object.hasOwn(holder, name) ? holder[name] : undefined;
    if (!isObject(next)) return undefined;
    holder = next;
  }
  return holder;
}

/** Objects on the way are made; what stands there and is none gives way. */
function put(event: JsonObject, names: readonly string[], value: JsonValue): void {
  let holder: JsonObject = event;
  for (const name of names.slice(0, -1)) {
    const next = Object.hasOwn(holder, name) ? holder[name] : undefined;
    holder = isObject(next) ? next : (holder[name] = {});
  }
  // Of each event its own: a later step may change it.
  holder[names.at(-1)!] = structuredClone(value);
}

/** Undefined: it says nothing of that type, and stays. */
function cast(value: JsonValue, to: 'text' | 'number' | 'boolean' | 'milliseconds'): JsonValue | undefined {
  if (to === 'text') return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
  if (to === 'boolean') return value === 'true' || value === 1 ? true : value === 'false' || value === 0 ? false : undefined;
  const number = typeof value === 'string' && NUMBER.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isFinite(number)) return undefined;
  return to === 'milliseconds' ? Math.round(number * 1000) : number;
}

/** As JSON writes numbers, with space around it. */
const NUMBER = /^\s*-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?\s*$/;

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
