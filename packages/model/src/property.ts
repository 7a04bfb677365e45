import type { JsonObject, JsonValue, StoredEvent } from '@tidemark/event';
import type { OwnedEvent } from './owner-values.ts';
import type { CohortedEvent } from './event-with.ts';
import type { SessionedEvent } from './event-with.ts';

const COLUMNS = ['eventName', 'userId', 'anonymousId', 'sessionId', 'source', 'type', 'groupId', 'schemaVersion'] as const;

/** The text of a property, undefined when it is unset. */
export function textOf(event: StoredEvent, name: string): string | undefined {
  const value = valueOf(event, name);
  if (value === undefined) return undefined;
  return Array.isArray(value) ? value.flatMap((item) => scalarText(item) ?? []).join(', ') : scalarText(value);
}

/** The number of a property, undefined when it is unset or none. */
export function numberOf(event: StoredEvent, name: string): number | undefined {
  const value = valueOf(event, name);
  if (typeof value === 'number') return value;
  if (typeof value !== 'string' || !/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value)) return undefined;
  return Number.isFinite(Number(value)) ? Number(value) : undefined;
}

/** What a group is called by: the first 200 characters; null for unset. */
export function cut(text: string | undefined): string | null {
  return text === undefined ? null : [...text].slice(0, 200).join('');
}

/** Shortest text of a number, without the plus that JavaScript writes before an exponent. */
function scalarText(value: JsonValue): string | undefined {
  if (value === null || typeof value === 'object') return undefined;
  return typeof value === 'number' ? String(value).replace('e+', 'e') : String(value);
}

/** null, absent and objects are unset; a key that itself contains dots counts where there is no such path. */
function valueOf(event: StoredEvent, name: string): JsonValue | undefined {
  const column = COLUMNS.find((each) => each === name);
  if (column !== undefined) return event[column] === '' ? undefined : event[column];
  const [root = '', ...path] = name.split('.');
  if (root === 'properties' || root === 'context') return valueAt(JSON.parse(event[root]) as JsonObject, path);
  // Such events went through withCohorts.
  if (root === 'cohort') return (event as CohortedEvent).cohorts.includes(path.join('.')) ? 'in' : 'not in';
  // Such events went through withSessions.
  if (root === 'session') return (event as SessionedEvent).session[path.join('.')];
  // Such events went through withOwners. What was said last of the property counts, also that it is null.
  const last = (event as OwnedEvent)[root === 'traits' ? 'asOf' : (root as 'person' | 'group')].map((text) => JSON.parse(text) as JsonObject).findLast((document) => names(document, path));
  return last && valueAt(last, path);
}

function valueAt(document: JsonObject, path: readonly string[]): JsonValue | undefined {
  const flat = Object.hasOwn(document, path.join('.')) ? document[path.join('.')] : undefined;
  return [nestedAt(document, path), flat].find((value) => value !== undefined && value !== null && !isObject(value));
}

function nestedAt(document: JsonObject, path: readonly string[]): JsonValue | undefined {
  return path.reduce<JsonValue | undefined>((at, key) => (isObject(at) && Object.hasOwn(at, key) ? at[key] : undefined), document);
}

function names(document: JsonObject, path: readonly string[]): boolean {
  return nestedAt(document, path) !== undefined || Object.hasOwn(document, path.join('.'));
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
