import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeEvent } from './decode.ts';
import { LIMITS } from '../limits.ts';
import { isLargerThan, shapeOf } from './shape.ts';

const base = { eventId: 'e-1', eventName: 'purchase', userId: 'u456' };
const codes = (value: unknown): string[] =>
  (decodeEvent(value).faults ?? []).map(({ field, code }) => `${field}: ${code}`);

function nested(levels: number, inner: unknown = 1): unknown {
  let value = inner;
  for (let level = 0; level < levels; level++) value = { a: value };
  return value;
}

test('E11: the size of an event is that of its compact JSON in UTF-8', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.integer({ min: -1, max: 1 }), (value, more) => {
      const bytes = Buffer.byteLength(JSON.stringify(value));
      expect(isLargerThan(value, bytes + more)).toBe(more < 0);
    }),
    { numRuns: 500 },
  );
});

test('E11: 64 KB to the byte, wherever the bytes are', () => {
  for (const filler of ['x', 'é', '🦊', '\u0001', '"']) {
    const one = Buffer.byteLength(JSON.stringify(filler)) - 2;
    const empty = Buffer.byteLength(JSON.stringify({ ...base, properties: { a: '', b: '' } }));
    const count = Math.floor((LIMITS.maxEventBytes - empty) / one);
    const rest = 'x'.repeat(LIMITS.maxEventBytes - empty - count * one);
    expect(codes({ ...base, properties: { a: filler.repeat(count), b: rest } })).toEqual([]);
    expect(codes({ ...base, properties: { a: filler.repeat(count), b: `${rest}x` } })).toEqual([': event_too_large']);
    expect(codes({ ...base, unknown: filler.repeat(count + 50) })).toEqual([': event_too_large']);
  }
});

test('E12: 512 keys, nested ones counted, those inside arrays not', () => {
  const keys = (count: number): object =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, index]));
  expect(codes({ ...base, properties: keys(512) })).toEqual([]);
  expect(codes({ ...base, properties: keys(513) })).toEqual(['properties: too_many_properties']);
  expect(codes({ ...base, properties: { a: keys(256), b: keys(254) } })).toEqual([]);
  expect(codes({ ...base, properties: { a: keys(256), b: keys(255) } })).toEqual(['properties: too_many_properties']);
  expect(codes({ ...base, properties: { products: Array.from({ length: 100 }, () => keys(10)) } })).toEqual([]);
  expect(codes({ ...base, context: keys(513), traits: keys(512) })).toEqual(['context: too_many_properties']);
});

test('E13: 20 levels, the properties themselves the first', () => {
  expect(codes({ ...base, properties: nested(20) })).toEqual([]);
  expect(codes({ ...base, properties: nested(21) })).toEqual([`properties${'.a'.repeat(20)}: too_deep`]);
  expect(codes({ ...base, properties: { list: JSON.parse('['.repeat(20) + ']'.repeat(20)) } })).toEqual([
    `properties.list${'[0]'.repeat(19)}: too_deep`,
  ]);
  expect(codes({ ...base, properties: nested(19, []) })).toEqual([]);
});

test('E13: no depth overflows the stack, and a deep event may be too large as well', () => {
  const deep = (levels: number): unknown => JSON.parse('['.repeat(levels) + ']'.repeat(levels));
  expect(codes({ ...base, properties: { a: deep(30_000) } })).toHaveLength(1);
  expect(codes({ ...base, properties: { a: deep(1_000_000) } })).toEqual([': event_too_large']);
});

test('E14: numbers beyond a 64-bit float are refused where they stand', () => {
  expect(
    codes(JSON.parse('{"eventId":"e","eventName":"n","userId":"u","properties":{"a":[1,{"b":1e400}],"c":-1e999}}')),
  ).toEqual(['properties.a[1].b: number_out_of_range', 'properties.c: number_out_of_range']);
});

test('E14: wide integers are seen wherever they are', () => {
  for (const value of [2 ** 63, -(2 ** 63), 2 ** 64, 1e20, 1e300])
    expect(shapeOf({ properties: [{ a: value }] }).wideNumbers).toBe(true);
  for (const value of [2 ** 63 - 1024, -(2 ** 63) + 1024, 0.1, -0])
    expect(shapeOf({ properties: [{ a: value }] }).wideNumbers).toBe(false);
});

test('an answer names ten places at most', () => {
  expect(codes({ ...base, properties: { list: Array.from({ length: 500 }, () => NaN) } })).toHaveLength(10);
});
