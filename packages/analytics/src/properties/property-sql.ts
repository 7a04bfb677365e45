/** How a property is read from each of the ways in which it is kept (rule P2). */
import { literal } from '@tidemark/warehouse';

export interface PropertySql {
  /** Nullable(String); NULL when unset. */
  text: string;
  /** Nullable(Float64), never infinite; NULL when unset or no number. */
  number: string;
}

export function fromText(text: string): PropertySql {
  return { text, number: numberOfText(text) };
}

/** NULL for what is no number, and for what is too big to be one. */
function numberOfText(text: string): string {
  return finite(`toFloat64OrNull(${text})`);
}

export function finite(number: string): string {
  return `if(isFinite(${number}), ${number}, NULL)`;
}

/** Keys that stand in a path as they are. Others are read through a literal of the path, which costs the whole document. */
const PLAIN_KEY = /^[\p{L}\p{N}_$ -]+$/u;

export function fromJsonColumn(path: readonly string[]): PropertySql {
  const nested = jsonColumn(path);
  // A key that itself contains dots is stored with them escaped (json_type_escape_dots_in_keys).
  return path.length === 1 ? nested : either(nested, jsonColumn([path.join('%2E')]));
}

/** Types of a list's elements that ClickHouse infers; lists and objects among them are left out of the column at the door. */
const LIST_TYPES = ['Nullable(String)', 'Nullable(Int64)', 'Nullable(Float64)', 'Nullable(Bool)', 'Nullable(UInt64)', 'Dynamic'];

function jsonColumn(path: readonly string[]): PropertySql {
  const isPlain = path.every((key) => PLAIN_KEY.test(key.replaceAll('%2E', '')));
  const whole = isPlain ? `properties.${path.map((key) => `\`${key}\``).join('.')}` : `getSubcolumn(properties, ${literal(path.join('.'))})`;
  const asText = `CAST(${whole}, 'Nullable(String)')`;
  const as = (type: string): string => `dynamicElement(${whole}, '${type}')`;
  // The type is read only where the text looks like a list's: it costs as much again as the text.
  const isList = `startsWith(${asText}, '[') AND startsWith(dynamicType(${whole}), 'Array')`;
  // Element by element: as JSON, a double of many digits would be written as an integer that no JSON function reads.
  const elements = LIST_TYPES.map((type) => `arrayMap(e -> CAST(e, 'Nullable(String)'), ${as(`Array(${type})`)})`);
  const list = `arrayStringConcat(arrayFilter(e -> isNotNull(e), arrayConcat(${elements.join(', ')})), ', ')`;
  const text = `if(${isList}, ${list}, ${asText})`;
  // By stored type: a cast of the whole would parse the text of each number (67 ms against 53 for 2 M rows).
  const number = `coalesce(toFloat64(${as('Int64')}), ${as('Float64')}, toFloat64(${as('UInt64')}), ${numberOfText(as('String'))})`;
  return { text, number };
}

export function fromJsonText(json: string, path: readonly string[]): PropertySql {
  const nested = jsonText(json, path);
  return path.length === 1 ? nested : either(nested, jsonText(json, [path.join('.')]));
}

function jsonText(json: string, path: readonly string[]): PropertySql {
  const at = `${json}, ${path.map((key) => literal(key)).join(', ')}`;
  const type = `JSONType(${at})`;
  const element = `multiIf(startsWith(e, '"'), JSONExtractString(e), match(e, '[0-9][.eE]'), toString(toFloat64OrZero(e)), e)`;
  const scalars = `arrayFilter(e -> e != 'null' AND NOT startsWith(e, '{') AND NOT startsWith(e, '['), JSONExtractArrayRaw(${at}))`;
  const list = `arrayStringConcat(arrayMap(e -> ${element}, ${scalars}), ', ')`;
  const text = `multiIf(${[
    `${type} = 'String', JSONExtractString(${at})`,
    `${type} IN ('Int64', 'UInt64', 'Bool'), JSONExtractRaw(${at})`,
    `${type} = 'Double', toString(JSONExtractFloat(${at}))`,
    `${type} = 'Array', ${list}`,
  ].join(', ')}, NULL)`;
  const number = `multiIf(${type} = 'String', ${numberOfText(`JSONExtractString(${at})`)}, ${type} IN ('Int64', 'UInt64', 'Double'), ${finite(`JSONExtractFloat(${at})`)}, NULL)`;
  return { text, number };
}

/** The second where the first is unset: not where it merely is no number. */
function either(first: PropertySql, second: PropertySql): PropertySql {
  const number = `if(isNull(${first.text}), ${second.number}, ${first.number})`;
  return { text: `coalesce(${first.text}, ${second.text})`, number };
}
