import { PREFIX, PREFIX_BYTES, writeInt64 } from '@tidemark/event';
import type { RecordBatch } from '@tidemark/log';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { selectRows } from './range.ts';

/** Rows of these sizes, each full of a number of its own. */
function batchOf(baseOffset: number, sizes: readonly number[]): RecordBatch & { rows: Buffer[] } {
  const rows = sizes.map((size, i) => Buffer.alloc(PREFIX_BYTES + size, 1 + ((baseOffset + i) % 251)));
  const frames = rows.flatMap((row) => {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(row.length);
    return [length, row];
  });
  return { baseOffset, format: 2, count: rows.length, receivedAtMs: 1, bytes: Buffer.concat(frames), rows };
}

function batchesOf(sizes: readonly (readonly number[])[], from: number): ReturnType<typeof batchOf>[] {
  let offset = from;
  return sizes.map((each) => {
    const batch = batchOf(offset, each);
    offset += each.length;
    return batch;
  });
}

// Small ones by the hundred, some that fill a piece of a megabyte, some larger than one.
const size = fc.oneof({ weight: 8, arbitrary: fc.nat({ max: 2_000 }) }, { weight: 1, arbitrary: fc.constantFrom(300_000, (1 << 20) - 200, 1 << 20, 1_500_000) });
const sizes = fc.array(fc.array(size, { minLength: 1, maxLength: 30 }), { minLength: 1, maxLength: 6 });

it('the pieces of a range are its taken rows, in order, each with its offset, whatever their sizes', () => {
  fc.assert(
    fc.property(sizes, fc.nat({ max: 5 }), fc.nat({ max: 5 }), fc.array(fc.boolean(), { minLength: 1, maxLength: 7 }), (drawn, skipped, missing, pattern) => {
      const batches = batchesOf(drawn, 1_000);
      const end = 1_000 + drawn.flat().length;
      const [from, to] = [Math.min(1_000 + skipped, end), Math.max(1_000, end - missing)];
      const take = (index: number): boolean => pattern[index % pattern.length]!;
      const pieces = [...mapped(selectRows(batches, { epoch: 'e', partition: 0, from, to }, take))];
      const expected = batches.flatMap(({ rows }) => rows).flatMap((row, i) => {
        const index = 1_000 + i - from;
        if (index < 0 || 1_000 + i >= to || !take(index)) return [];
        writeInt64(row, PREFIX.offset, 1_000 + i);
        return [row];
      });
      expect(Buffer.concat(pieces).equals(Buffer.concat(expected))).toBe(true);
      // None is empty, and one is larger than a megabyte only when a batch is.
      const largest = Math.max(1 << 20, ...batches.map(({ bytes }) => bytes.length));
      expect(pieces.every((piece) => piece.length > 0 && piece.length <= largest)).toBe(true);
    }),
    { numRuns: 60 },
  );
});

/** A piece is only valid until the next one. */
function* mapped(pieces: Iterable<Buffer>): Generator<Buffer> {
  for (const piece of pieces) yield Buffer.from(piece);
}
