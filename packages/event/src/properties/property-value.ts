/** Values of properties in ClickHouse's RowBinary, as `PropertyIndex` appends them: those that are rare enough to be made before they are written. */
import type { JsonValue } from '../event.ts';
import { commonType, TYPE, typeOf } from './property-type.ts';
import type { RowBytes } from '../row/row-bytes.ts';

/** Length, type and value of a number or a boolean. */
export const SCALAR_BYTES = 16;
/** What ClickHouse gives lists of several types: Dynamic of up to 32 of them. */
const DYNAMIC_TYPES = 32;

/** A list with its type, without the lists and objects within it. */
export function appendList(out: RowBytes, list: readonly JsonValue[]): void {
  const elements = list.filter((element) => typeof element !== 'object' || element === null) as (string | number | boolean | null)[];
  const type = commonType(elements);
  out.byte(TYPE.list);
  out.byte(type === TYPE.dynamic ? TYPE.dynamic : TYPE.nullable);
  out.byte(type === TYPE.dynamic ? DYNAMIC_TYPES : type);
  out.length(elements.length);
  for (const element of elements) {
    const own = type === TYPE.dynamic ? typeOf(element) : type;
    out.reserve(SCALAR_BYTES);
    // Of a nullable the byte says whether it is null, of a dynamic of which type it is.
    out.byte(type === TYPE.dynamic ? own : element === null ? 1 : 0);
    if (element !== null) appendScalar(out, own, element);
  }
}

/** A value of a type that was written before it. */
export function appendScalar(out: RowBytes, type: number, value: string | number | boolean): void {
  if (type === TYPE.string) appendText(out, String(value));
  else if (type === TYPE.bool) out.byte(value === true ? 1 : 0);
  else if (type === TYPE.float64) out.float64(value as number);
  else if (Number.isSafeInteger(value)) out.int64(value as number);
  // The digits that the text has: of 2^62 that is 4611686018427388000.
  else out.bigInt64(BigInt(String(value)));
}

/** A text of any length. */
export function appendText(out: RowBytes, text: string): void {
  out.reserve(SCALAR_BYTES);
  out.length(Buffer.byteLength(text));
  out.text(text);
}
