/** Values of an answer as JSON (rule Z9), by their ClickHouse type. */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Under which the engine's JSON is read by `jsonValue`: numbers that JSON can't hold come as texts, NaN as null. */
export const JSON_SETTINGS = {
  date_time_output_format: "'iso'",
  output_format_json_quote_64bit_integers: 1,
  output_format_json_quote_decimals: 1,
  output_format_json_quote_denormals: 0,
  output_format_json_named_tuples_as_objects: 1,
} as const;

/** How a value of the type, as the engine wrote it, is shown: integers within 2^53 as numbers. */
export function jsonValue(type: string): (value: Json) => Json {
  const [name, args] = outer(type);
  if (name === 'Nullable' || name === 'LowCardinality') return jsonValue(args[0] ?? '');
  if (/^U?Int(64|128|256)$/.test(name)) return integer;
  if (name === 'Array') {
    const of = jsonValue(args[0] ?? '');
    return of === same ? same : (value) => (Array.isArray(value) ? value.map(of) : value);
  }
  if (name === 'Map') {
    const of = jsonValue(args[1] ?? '');
    return of === same ? same : (value) => (isObject(value) ? Object.fromEntries(Object.entries(value).map(([key, each]) => [key, of(each)])) : value);
  }
  if (name === 'Tuple') return tuple(args);
  return same;
}

const same = (value: Json): Json => value;

function integer(value: Json): Json {
  const number = Number(value);
  return value !== null && Number.isSafeInteger(number) ? number : value;
}

function tuple(args: readonly string[]): (value: Json) => Json {
  const parts = args.map((arg) => {
    const named = /^(`(?:[^`\\]|\\.)*`|\w+) +(.+)$/s.exec(arg);
    return jsonValue(named?.[2] ?? arg);
  });
  return (value) => {
    if (Array.isArray(value)) return value.map((each: Json, i) => (parts[i] ?? same)(each));
    return isObject(value) ? Object.fromEntries(Object.entries(value).map(([key, each], i) => [key, (parts[i] ?? same)(each)])) : value;
  };
}

function isObject(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `Map(String, Array(UInt8))` as its name and its arguments. */
function outer(type: string): [name: string, args: string[]] {
  const open = type.indexOf('(');
  if (open < 0) return [type, []];
  const args: string[] = [];
  let [depth, start] = [0, open + 1];
  for (let i = open + 1; i < type.length - 1; i++) {
    const char = type[i];
    if (char === "'" || char === '`') i = closing(type, i);
    else if (char === '(') depth++;
    else if (char === ')') depth--;
    else if (char === ',' && depth === 0) {
      args.push(type.slice(start, i).trim());
      start = i + 1;
    }
  }
  args.push(type.slice(start, -1).trim());
  return [type.slice(0, open), args];
}

/** Where the quoted name or text ends that begins at `i`. */
function closing(type: string, i: number): number {
  const quote = type[i];
  for (let at = i + 1; at < type.length; at++) {
    if (type[at] === '\\') at++;
    else if (type[at] === quote) return at;
  }
  return type.length;
}
