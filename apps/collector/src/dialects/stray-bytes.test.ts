import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { markStrayBytes, unmarkStrayBytes } from './stray-bytes.ts';

const bytes = fc
  .array(fc.oneof(fc.uint8Array({ maxLength: 5 }), fc.string({ unit: 'binary', maxLength: 4 }).map((text) => Buffer.from(text))), { maxLength: 8 })
  .map((parts) => Buffer.concat(parts));

it('gives back the bytes, whatever they were, and leaves text as it is', () => {
  fc.assert(
    fc.property(bytes, (each) => {
      const text = markStrayBytes(each)!;
      expect(unmarkStrayBytes(text).equals(each)).toBe(true);
      expect(text === each.toString()).toBe(isUtf8(each));
    }),
    { numRuns: 2_000 },
  );
});

it('carries a character of each length, and what only looks like one', () => {
  for (const text of ['a', 'é', '€', '💡', '\ufffd', '\u{10ffff}', '\ud7ff']) expect(markStrayBytes(Buffer.from(text))).toBe(text);
  for (const hex of ['80', 'c0af', 'e08080', 'eda080', 'f08080', 'f4908080', 'f5', 'c3', 'e282'])
    expect(isUtf8(Buffer.from(markStrayBytes(Buffer.from(hex, 'hex'))!)) && !isUtf8(Buffer.from(hex, 'hex'))).toBe(true);
});

it('gives up where hardly anything is text', () => {
  expect(markStrayBytes(Buffer.alloc(20_000, 0xff))).toBeDefined();
  expect(markStrayBytes(Buffer.alloc(20_001, 0xff))).toBeUndefined();
});
