import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { arrayLiteral, floatLiteral, intLiteral, literal, stringLiteral, timeLiteral } from './literal.ts';

const { Session } = createRequire(import.meta.url)('chdb') as {
  Session: new (path: string) => { query(sql: string, format: string): string; cleanup(): void };
};
const folder = mkdtempSync(join(tmpdir(), 'tidemark-literal-'));
const session = new Session(join(folder, 'db'));

afterAll(() => {
  session.cleanup();
  rmSync(folder, { recursive: true, force: true });
});

/** What one statement answers, so that many values are proven in one round trip. */
function select(expressions: string[]): unknown[] {
  return JSON.parse(
    session.query(`SELECT ${expressions.map((sql, i) => `${sql} AS c${i}`).join(', ')}`, 'JSONCompactEachRow'),
  ) as unknown[];
}

const HOSTILE = [
  "'", "\\'", "'; DROP TABLE events; --", '/* */', '-- x', '\\', '\\\\', '\0', 'a\0b', '%', '_', '`', '"', '\r\n', '\u2028',
  '😀', '\ud800', '\udc00x', '{x:String}', '?', '$1', '\\x41', '\\N', "''", 'NULL', '\u0001\u001f\u007f', '\ufeff', ';',
];
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: fc.constantFrom(...HOSTILE), maxLength: 8 }),
  fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)), maxLength: 20 }),
);

describe('literal', () => {
  it('gives back any text, byte for byte, lone surrogates as U+FFFD', () => {
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 60 }), (texts) => {
        const answered = select(texts.map((value) => `hex(${stringLiteral(value)})`));
        expect(answered).toEqual(texts.map((value) => Buffer.from(value.toWellFormed()).toString('hex').toUpperCase()));
      }),
      { numRuns: 60 },
    );
  });

  it('gives back each hostile text as one value of type String', () => {
    expect(select(HOSTILE.map((value) => `toTypeName(${literal(value)})`))).toEqual(HOSTILE.map(() => 'String'));
    expect(select(HOSTILE.map(literal))).toEqual(HOSTILE.map((value) => value.toWellFormed()));
  });

  it('gives back any finite number, bit for bit', () => {
    const bits = new DataView(new ArrayBuffer(8));
    const number = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.constantFrom(0, -0, 5e-324, 1.7976931348623157e308, 2 ** 53, 2 ** 64, 1e21, 1e-7, 0.1 + 0.2),
    );
    fc.assert(
      fc.property(fc.array(number, { minLength: 1, maxLength: 60 }), (numbers) => {
        const answered = select(numbers.map((value) => `leftPad(hex(reinterpretAsUInt64(${floatLiteral(value)})), 16, '0')`));
        const expected = numbers.map((value) => {
          bits.setFloat64(0, value);
          return bits.getBigUint64(0).toString(16).toUpperCase().padStart(16, '0');
        });
        expect(answered).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  it('gives back any 64-bit integer', () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), { minLength: 1 }), (values) => {
        expect(select(values.map((value) => `toString(${intLiteral(value)})`))).toEqual(values.map(String));
      }),
      { numRuns: 30 },
    );
  });

  it('gives back any time from 1900 to 2262', () => {
    const time = fc.integer({ min: Date.UTC(1900, 0, 1), max: Date.UTC(2262, 3, 11) });
    fc.assert(
      fc.property(fc.array(time, { minLength: 1 }), (times) => {
        expect(select(times.map((value) => `toString(toUnixTimestamp64Milli(${timeLiteral(value)}))`))).toEqual(times.map(String));
      }),
      { numRuns: 30 },
    );
    expect(select([`toTypeName(${literal(new Date(0))})`])).toEqual(["DateTime64(3, 'UTC')"]);
  });

  it('gives back arrays with their type, empty ones too', () => {
    expect(select([arrayLiteral(HOSTILE, 'String'), arrayLiteral([1, -0.5], 'Float64')])).toEqual([
      HOSTILE.map((value) => value.toWellFormed()),
      [1, -0.5],
    ]);
    expect(select([`toTypeName(${arrayLiteral([], 'String')})`, `toTypeName(${arrayLiteral([], 'Float64')})`])).toEqual([
      'Array(String)',
      'Array(Float64)',
    ]);
  });

  it('refuses what it could not give back', () => {
    expect(() => literal(Number.NaN)).toThrow(RangeError);
    expect(() => literal(Number.POSITIVE_INFINITY)).toThrow(RangeError);
    expect(() => intLiteral(2 ** 53)).toThrow(RangeError);
    expect(() => intLiteral(1.5)).toThrow(RangeError);
    expect(() => intLiteral(2n ** 63n)).toThrow(RangeError);
    expect(() => literal(new Date(Number.NaN))).toThrow(RangeError);
    expect(() => timeLiteral(1e15)).toThrow(RangeError);
  });
});
