/** A value longer than this is shown cut: an answer must not send megabytes back. */
const MAX_SHOWN_CHARACTERS = 200;

/**
 * What an event holds at a path as faults name them (`properties.items[3].price`), short enough to show. Undefined when
 * there is nothing, or when the path can't be followed because a key itself holds a dot.
 */
export function valueAt(event: unknown, path: string): unknown {
  let value = event;
  for (const step of path === '' ? [] : path.replaceAll('[', '.').replaceAll(']', '').split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string, unknown>)[step];
  }
  return shown(value);
}

function shown(value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  // The text of a large value is never made: only its kind is told.
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? '[…]' : '{…}';
  if (typeof value !== 'string' || value.length <= MAX_SHOWN_CHARACTERS) return value;
  return `${value.slice(0, MAX_SHOWN_CHARACTERS).toWellFormed()}…`;
}
