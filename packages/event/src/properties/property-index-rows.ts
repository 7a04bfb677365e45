import { PropertyIndex } from './property-index.ts';
import { memoryOf, RowBytes } from '../row/row-bytes.ts';
import { stringAt } from '../row/row.ts';

/** What `propertyIndexRows` takes, and what it makes of it, for ClickHouse's `file(path, 'RowBinary', structure)`. */
export const PROPERTY_INDEX_ROWS = 'place UInt64, property_index JSON(max_dynamic_paths = 64)';
const PLACE_BYTES = 8;

/**
 * RowBinary rows of a number and the properties' text (UInt64, String) become rows of the number and the encoded properties.
 * `bytes` may break off within a row: `read` says how many bytes became `rows`. Into one memory and without objects in
 * between: a rebuild does this to each event.
 */
export function propertyIndexRows(bytes: Buffer): { rows: Buffer; read: number } {
  const index = new PropertyIndex();
  const rows = new RowBytes(bytes.length + (bytes.length >>> 1));
  const source = memoryOf(bytes);
  let read = 0;
  for (;;) {
    const text = stringAt(bytes, read + PLACE_BYTES);
    if (text === undefined) return { rows: rows.written, read };
    rows.copy(source, read, read + PLACE_BYTES);
    index.append(rows, source, text.start, text.end);
    read = text.end;
  }
}
