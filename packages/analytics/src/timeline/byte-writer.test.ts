import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ByteWriter } from './byte-writer.ts';
import { PROPERTY_RUN } from '../testing/histories.ts';

const written = (write: (to: ByteWriter) => void, room = 1): string => {
  const writer = new ByteWriter(room);
  write(writer);
  return writer.written.toString();
};

it('writes texts, JSON strings and bytes as they are, whatever they hold and however little room was expected', () => {
  const text = fc.oneof(fc.string({ maxLength: 40 }), fc.string({ unit: 'binary', maxLength: 40 }), fc.constantFrom('', 'a"b', 'a\\', '\u001e\n', 'é', '\u007f', '\u2028', 'x'.repeat(3_000)));
  fc.assert(
    fc.property(fc.array(text, { maxLength: 20 }), fc.integer({ min: 0, max: 500 }), (texts, room) => {
      const strings = written((to) => texts.forEach((each) => to.string(each)), room);
      // What has no UTF-8 by itself (half of a pair) is escaped by JSON.
      expect(strings).toBe(texts.map((each) => JSON.stringify(each)).join(''));
      const mixed = written((to) => texts.forEach((each) => {
        to.text(each);
        to.bytes(Buffer.from(`<${each}>`), 1, 1 + Buffer.byteLength(each));
      }), room);
      expect(mixed).toBe(Buffer.from(texts.map((each) => each.toWellFormed?.() ?? each).map((each) => each + each).join('')).toString());
    }),
    PROPERTY_RUN,
  );
});

it('writes times as a Date does', () => {
  const edges = [0, -1, 1, 86_399_999, 86_400_000, -86_400_001, Date.UTC(1900, 0, 1), Date.UTC(9999, 11, 31, 23, 59, 59, 999), 8.64e15, -8.64e15];
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.integer({ min: -8.64e15, max: 8.64e15 }), fc.constantFrom(...edges)), { minLength: 1, maxLength: 10 }), (times) => {
      expect(written((to) => times.forEach((each) => to.time(each)))).toBe(times.map((each) => `"${new Date(each).toISOString()}"`).join(''));
    }),
    PROPERTY_RUN,
  );
  expect(() => written((to) => to.time(8.65e15))).toThrow(RangeError);
});

it('writes over what it has written, once it is cleared', () => {
  const writer = new ByteWriter(4);
  writer.text('x'.repeat(100_000));
  expect(writer.written.length).toBe(100_000);
  writer.cleared().text('ab');
  expect(writer.written.toString()).toBe('ab');
});
