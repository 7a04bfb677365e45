import { toJsonText } from '@tidemark/event';
import type { JsonObject, JsonValue } from '@tidemark/event';

/**
 * Members added to a client's JSON object. What the client says holds: only what it leaves open is filled. The object
 * itself stays as it is, and the usual case, nothing to change and some members more, needs no copy of it.
 */
export class Additions {
  readonly #own: JsonObject;
  #changed: JsonObject | undefined;
  #added: JsonObject | undefined;

  constructor(own: JsonObject) {
    this.#own = own;
  }

  /** Sets a member, in place of the client's if there is one; undefined takes it away. */
  set(name: string, value: JsonValue | undefined): void {
    if (Object.hasOwn(this.#own, name)) {
      this.#changed ??= { ...this.#own };
      // JSON.stringify leaves undefined members out; `delete` would turn the copy into a slow dictionary.
      (this.#changed as Record<string, unknown>)[name] = value;
    } else if (value !== undefined) {
      this.#added ??= {};
      this.#added[name] = value;
    }
  }

  /** Adds the fields that an object member has not. A member that is text or a list stays as the client sent it. */
  fill(name: string, fields: JsonObject): void {
    const own = this.#changed?.[name] ?? this.#own[name] ?? this.#added?.[name];
    if (own === undefined || own === null) return this.set(name, fields);
    if (typeof own !== 'object' || Array.isArray(own)) return;
    const filled = { ...own };
    let gained = false;
    for (const [field, value] of Object.entries(fields)) {
      const before = filled[field];
      if (before !== undefined && before !== null && before !== '') continue;
      filled[field] = value;
      gained = true;
    }
    if (gained) this.set(name, filled);
  }

  /** The whole as JSON text. `wideNumbers` is about the client's object, as `decodeEvent` found. */
  toText(wideNumbers: boolean): string {
    const own = toJsonText(this.#changed ?? this.#own, wideNumbers);
    if (this.#added === undefined) return own;
    const added = toJsonText(this.#added, false);
    return own === '{}' ? added : `${own.slice(0, -1)},${added.slice(1)}`;
  }
}
