import { readRow, RowWriter, type StoredEvent } from '@tidemark/event';
import { forEachRecord, type RecordBatch } from '@tidemark/log';
import { expect, it } from 'vitest';
import { inCurrentFormat } from './row-format.ts';
import { storedEvent } from '../testing.ts';

const events = [storedEvent('a', { properties: '{"price":1.5,"tags":["x"]}' }), storedEvent('b', { properties: '{}' }), storedEvent('ü', { context: '{"os":"ü"}' })];

function rowOf(event: StoredEvent): Buffer {
  const rows = new RowWriter();
  rows.write(event);
  return rows.take();
}

function batchOf(format: number, rows: readonly Buffer[]): RecordBatch {
  const frames = rows.flatMap((row) => {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(row.length);
    return [length, row];
  });
  return { baseOffset: 7, format, count: rows.length, receivedAtMs: 1, bytes: Buffer.concat(frames) };
}

function rowsOf(batch: RecordBatch): Buffer[] {
  const rows: Buffer[] = [];
  forEachRecord(batch, (_, bytes, start, end) => rows.push(Buffer.from(bytes.subarray(start, end))));
  return rows;
}

/** A row as format 1 had it: the same strings, and one more, a text or nothing, in place of the encoded properties. */
function oldRow(event: StoredEvent, last: string): Buffer {
  const row = rowOf(event);
  return Buffer.concat([row.subarray(0, endOfTraits(row)), Buffer.from([last.length]), Buffer.from(last)]);
}

function endOfTraits(row: Buffer): number {
  const { traits } = readRow(row);
  return row.lastIndexOf(Buffer.from(traits)) + Buffer.byteLength(traits);
}

it('brings rows of format 1 to what would be written now, whatever their last text', () => {
  const old = batchOf(1, events.map((event, index) => oldRow(event, index === 0 ? '{"tags":[]}' : '')));
  expect(inCurrentFormat(old)).toEqual({ ...batchOf(2, events.map(rowOf)) });
});

it('leaves current batches alone, and broken rows as they are', () => {
  const current = batchOf(2, events.map(rowOf));
  expect(inCurrentFormat(current)).toBe(current);
  const broken = Buffer.from('no row at all');
  expect(rowsOf(inCurrentFormat(batchOf(1, [broken, oldRow(events[0]!, '')])))).toEqual([broken, rowOf(events[0]!)]);
});
