import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { StoredEvent } from '../event.ts';
import { dedupKey, PREFIX, readRow, STRING_COLUMNS } from './row.ts';
import { RowWriter } from './row-writer.ts';

const time = fc.integer({ min: 0, max: 9_214_646_400_000 });
const text = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
  // Around the lengths where the length of a string takes one byte more.
  fc.constantFrom(42, 43, 127, 128, 129, 16_383, 16_384).map((length) => 'x'.repeat(length)),
  fc.constantFrom(42, 43, 127, 128, 5_461, 5_462).map((length) => 'é€'.repeat(length)),
);
const strings = Object.fromEntries(STRING_COLUMNS.map(([, property]) => [property, text]));
const storedEvent = fc.record({
  ...strings,
  sequence: fc.maxSafeNat(),
  timeMs: time,
  originalTimeMs: time,
  receivedAtMs: time,
  bot: fc.boolean(),
  flags: fc.nat(0xffff),
}) as unknown as fc.Arbitrary<StoredEvent>;

test('a row read back is the event that was written, whatever its texts, and however many rows stand before it', () => {
  fc.assert(
    fc.property(fc.array(storedEvent, { minLength: 1, maxLength: 4 }), (events) => {
      const writer = new RowWriter(64);
      const sizes = events.map((event) => writer.write(event));
      const bytes = writer.take();
      let at = 0;
      for (const [index, event] of events.entries()) {
        const row = bytes.subarray(at, (at += sizes[index]!));
        expect(readRow(row)).toEqual({ ...event, offset: 0 });
        expect(row.subarray(PREFIX.key, PREFIX.key + 16)).toEqual(dedupKey(event.project, event.eventId));
      }
      expect(at).toBe(bytes.length);
    }),
    { numRuns: 200 },
  );
});

test('a frame says the size of its row, even when writing the row moves the bytes to larger memory', () => {
  fc.assert(
    fc.property(fc.array(storedEvent, { minLength: 1, maxLength: 4 }), (events) => {
      const framed = new RowWriter(16);
      for (const event of events) framed.writeFramed(event);
      const bytes = framed.drain();
      let at = 0;
      for (const event of events) {
        const size = bytes.readUInt32LE(at);
        expect(readRow(bytes.subarray(at + 4, at + 4 + size)).eventId).toBe(event.eventId);
        at += 4 + size;
      }
      expect(at).toBe(bytes.length);
      expect(framed.length).toBe(0);
    }),
    { numRuns: 100 },
  );
});

test('halves of surrogate pairs become the replacement character', () => {
  const [event] = fc.sample(storedEvent, 1) as [StoredEvent];
  const writer = new RowWriter();
  writer.write({ ...event, locale: 'a\ud800b' });
  expect(readRow(writer.take()).locale).toBe('a\ufffdb');
});

test('a row that ends too early is an error, not half an event', () => {
  const [event] = fc.sample(storedEvent, 1) as [StoredEvent];
  const writer = new RowWriter();
  writer.write({ ...event, properties: '{}', traits: '{"a":1}' });
  const row = writer.take();
  // Behind the last text stands the count of indexed properties, 0 here.
  expect(row.at(-1)).toBe(0);
  expect(() => readRow(row.subarray(0, row.length - 2))).toThrow(RangeError);
});

test('the dedup key is 16 bytes, the same for the same project and id, another for every other', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.string(), (project, one, other) => {
      expect(dedupKey(project, one)).toHaveLength(16);
      expect(dedupKey(project, one).equals(dedupKey(project, other))).toBe(one === other);
    }),
  );
  // Held to a value known from outside, so that rows written by one version are found by the next.
  expect(dedupKey('p1', 'e1').toString('hex')).toBe('8efc7a748e253242b6b1357d8f9470bf');
});
