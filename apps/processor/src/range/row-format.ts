import { ROW_FORMAT, readRow, RowWriter } from '@tidemark/event';
import { forEachRecord, type RecordBatch } from '@tidemark/log';

/**
 * A batch as this version would have written it. Before format 2 a row ended with a text in place of the encoded
 * properties; such rows are still in the log after an upgrade. A row that can't be read stays as it is: it is a broken
 * row's way to quarantine.
 */
export function inCurrentFormat(batch: RecordBatch): RecordBatch {
  if (batch.format === ROW_FORMAT) return batch;
  const rows = new RowWriter(batch.bytes.length);
  forEachRecord(batch, (_, bytes, start, end) => {
    const row = bytes.subarray(start, end);
    try {
      rows.writeFramed(readRow(row));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      rows.copyFramed(row);
    }
  });
  return { ...batch, format: ROW_FORMAT, bytes: rows.take() };
}
