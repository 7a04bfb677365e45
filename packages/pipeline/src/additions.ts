import { toJsonText } from '@tidemark/event';
import type { JsonObject, JsonValue } from '@tidemark/event';

/**
 * Members added to a client's JSON object. What the client says holds: only what it leaves open is filled. The object
 * itself stays as it is; in the usual case members are added behind its text, and nothing is copied. Each member is
 * added at most once.
 */
export class Additions {
  readonly #own: JsonObject;
  readonly #ownText: string | undefined;
  #changed: JsonObject | undefined;
  #added = '';

  /** With its JSON text, `own` need only hold the members that are named here or looked at, each of them whole. */
  constructor(own: JsonObject, ownText?: string) {
    this.#own = own;
    this.#ownText = ownText;
  }

  /** Adds a member where the client's object has none. `own`: the member that it has; `member`: its `memberOf`, for callers that know it. */
  add(name: string, own: JsonValue | undefined, value: string | JsonObject, member: string = memberOf(name, value)): void {
    if (own !== undefined && !isNone(own)) return;
    // `__proto__` and its like are never added, so that a member that is not undefined is the object's own.
    if (own === undefined) this.#added += member;
    else this.replace(name, value);
  }

  /** Adds the member, or to the client's object of that name the fields that it has not. Text and lists stay. */
  fill(name: string, own: JsonValue | undefined, fields: JsonObject, member?: string): void {
    if (isNone(own) || typeof own !== 'object' || Array.isArray(own)) return this.add(name, own, fields, member);
    const open = Object.entries(fields).filter(([field]) => isNone(own[field]));
    if (open.length > 0) this.replace(name, { ...own, ...Object.fromEntries(open) });
  }

  /** Puts a value in the place of the client's member; undefined takes it away. */
  replace(name: string, value: JsonValue | undefined): void {
    this.#changed ??= this.#ownText === undefined ? { ...this.#own } : (JSON.parse(this.#ownText) as JsonObject);
    // JSON.stringify leaves undefined members out; `delete` would turn the copy into a slow dictionary.
    (this.#changed as Record<string, unknown>)[name] = value;
  }

  /** What `toText` has behind the client's own text, before the closing brace; undefined when that is not as it came. */
  get behindOwnText(): string | undefined {
    return this.#changed === undefined && this.#ownText !== undefined && this.#ownText !== '{}' ? this.#added : undefined;
  }

  /** The whole as JSON text. `wideNumbers` is about the client's object, as `decodeEvent` found. */
  toText(wideNumbers: boolean): string {
    const own =
      this.#changed === undefined && this.#ownText !== undefined
        ? this.#ownText
        : toJsonText(this.#changed ?? this.#own, wideNumbers);
    if (this.#added === '') return own;
    return own === '{}' ? `{${this.#added.slice(1)}}` : `${own.slice(0, -1)}${this.#added}}`;
  }
}

/** A member as it stands behind others in JSON text. Cut from a longer text, the value may hold half a surrogate pair. */
export function memberOf(name: string, value: string | JsonObject): string {
  return `,"${name}":${typeof value === 'string' ? JSON.stringify(value.toWellFormed()) : toJsonText(value, false)}`;
}

function isNone(value: JsonValue | undefined): value is undefined | null | '' {
  return value === undefined || value === null || value === '';
}
