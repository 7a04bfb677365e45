import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { JsonObject, JsonValue } from './event.ts';
import { toJsonText } from './json-text.ts';
import { shapeOf } from './decode/shape.ts';

const halves = fc.string({
  unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
  maxLength: 8,
});
const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(Number),
);
const { json } = fc.letrec<{ json: JsonValue }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 4 },
    halves,
    number,
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('json'), { maxLength: 4 }),
    fc.dictionary(halves, tie('json'), { maxKeys: 4 }),
  ),
}));
const object = fc.dictionary(halves, json, { maxKeys: 5 }) as fc.Arbitrary<JsonObject>;

/** What the text must mean: the value, its broken halves replaced, -0 as JSON has it. */
function repaired(value: JsonValue): JsonValue {
  if (typeof value === 'string') return value.toWellFormed();
  if (typeof value === 'number') return value === 0 ? 0 : value;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(repaired);
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key.toWellFormed(), repaired(child)]));
}

test('E14: the text says the same value, in whole characters and in numbers that fit 64 bits', () => {
  fc.assert(
    fc.property(object, (value) => {
      const text = toJsonText(value, shapeOf({ value }).wideNumbers);
      expect(JSON.parse(text)).toEqual(repaired(value));
      expect(text.isWellFormed()).toBe(true);
      for (const [digits] of text.replace(/"(?:[^"\\]|\\.)*"/g, '""').matchAll(/-?\d+(?![\d.e+-])/g)) {
        expect(BigInt.asIntN(64, BigInt(digits))).toBe(BigInt(digits));
      }
    }),
    { numRuns: 2000 },
  );
});

test('E14: examples', () => {
  expect(toJsonText({ a: 2 ** 64, b: -1e20, c: 5 }, true)).toBe('{"a":1.8446744073709552e+19,"b":-1e+20,"c":5}');
  expect(toJsonText({ 'k\ud800': 'v\udc00' }, false)).toBe('{"k\ufffd":"v\ufffd"}');
  expect(toJsonText({ fox: '🦊', backslash: '\\ud800' }, false)).toBe('{"fox":"🦊","backslash":"\\\\ud800"}');
  expect(toJsonText(JSON.parse('{"__proto__":{"a":"\\ud800"}}') as JsonObject, false)).toBe(
    '{"__proto__":{"a":"\ufffd"}}',
  );
});

