/** One promise: what is taken is the very text that JSON.stringify writes. packages/pipeline tries it on whole events. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readPlainEvent } from './plain-event.ts';
import { PlainScanner } from './plain-json.ts';

function isTaken(text: string | Buffer): boolean {
  return readPlainEvent(Buffer.from(text)) !== undefined;
}

function isPlain(text: string): boolean {
  try {
    return JSON.stringify(JSON.parse(text)) === text;
  } catch {
    return false;
  }
}

function expectHonest(text: string): void {
  if (isTaken(text)) expect(isPlain(text), text).toBe(true);
}

test('numbers: all of five characters, and the longer ones that matter', () => {
  const characters = ['0', '1', '5', '.', '-', '+', 'e', 'E'];
  let texts = [''];
  for (let length = 1; length <= 5; length++) {
    texts = texts.flatMap((text) => characters.map((character) => text + character));
    // Numbers beyond 64 bits are plain, but are kept in another form (json-text.ts).
    for (const text of texts) expect(isTaken(`{"n":${text}}`), text).toBe(isPlain(`{"n":${text}}`) && Math.abs(Number(text)) < 2 ** 63);
  }
  fc.assert(
    fc.property(fc.nat(20), fc.array(fc.nat(9), { minLength: 1, maxLength: 20, size: 'max' }).map((all) => all.join('')), fc.constantFrom('', '', 'e5', 'e-7', 'e+21', '0', 'e400'), (point, digits, tail) => {
      for (const sign of ['', '-']) expectHonest(`{"n":${sign}${digits.slice(0, point)}.${digits.slice(point)}${tail}}`);
      expectHonest(`{"n":${digits}${tail}}`);
      expectHonest(`{"n":0.${'0'.repeat(point)}${digits}}`);
    }),
    { numRuns: 5_000 },
  );
  // Not only honest, but of use.
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true, min: -9e18, max: 9e18 }), (value) => {
      expect(isTaken(JSON.stringify({ n: value }))).toBe(true);
    }),
  );
});

test('strings: every byte, every escape, as value and as key', () => {
  for (let code = 0; code < 256; code++) {
    const byte = Buffer.from([code]);
    for (const [before, after] of [['{"s":"a', 'b"}'], ['{"a', 'b":1}'], ['{"s":"\\', '"}'], ['{"s":"\\', 'b"}']] as const) {
      const body = Buffer.concat([Buffer.from(before), byte, Buffer.from(after)]);
      const text = body.toString();
      const isUtf8 = Buffer.from(text).equals(body);
      expect(isTaken(body), `${before} ${code} ${after}`).toBe(isUtf8 && isPlain(text));
    }
  }
  for (const text of ['\\u0041', '\\u00e9', '\\ud83d\\ude00', '\\ud83d', '\\u001f', '\\/']) expect(isTaken(`{"s":"${text}"}`)).toBe(false);
  for (const text of ['größe', '🦊', '\u2028', 'a\\"b', '\\\\', '\\n\\r\\t\\b\\f', '\u007f']) expect(isTaken(`{"s":"${text}"}`)).toBe(true);
});

test('keys: none twice, and none that objects put elsewhere', () => {
  const key = fc.oneof(fc.constantFrom('', 'a', 'b', 'ab', 'ba', '0', '1', '10', '01', '-1', '1a', 'a1', '4294967295', '__proto__', 'a\\"', 'é'), fc.stringMatching(/^[ab]{1,4}$/));
  fc.assert(
    fc.property(fc.array(key, { maxLength: 5 }), (keys) => {
      expectHonest(`{${keys.map((name, index) => `"${name}":${index}`).join(',')}}`);
      expectHonest(`{"o":[{${keys.map((name) => `"${name}":{"${name}":[]}`).join(',')}}]}`);
    }),
    { numRuns: 5_000 },
  );
  // Keys that look alike by length, first, middle and last character.
  expect(isTaken('{"abcxdef":1,"aycxdzf":2}')).toBe(true);
  expect(isTaken('{"abcxdef":1,"aycxdzf":2,"abcxdef":3}')).toBe(false);
  expect(isTaken('{"a":{"x":1},"b":{"x":1}}')).toBe(true);
  expect(isTaken('{"a":{"b":1},"b":{"a":1},"c":[{"a":1},{"a":1}]}')).toBe(true);
});

test('words, brackets and commas in any order', () => {
  const token = fc.constantFrom('{', '}', '[', ']', ',', ':', '"a"', '"b"', '1', 'true', 'false', 'null', 'nul', 'truefalse', ' ', '');
  fc.assert(
    fc.property(fc.array(token, { maxLength: 8 }), (tokens) => {
      expectHonest(`{"v":${tokens.join('')}}`);
      expectHonest(tokens.join(''));
    }),
    { numRuns: 20_000 },
  );
});

test('depth and length are those of the limits', () => {
  const deep = (levels: number) => `{"p":${'['.repeat(levels)}${']'.repeat(levels)}}`;
  expect(isTaken(deep(20))).toBe(true);
  expect(isTaken(deep(21))).toBe(false);
  expect(isTaken(`${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`)).toBe(false);
  const wide = (keys: number) => JSON.stringify({ properties: Object.fromEntries(Array.from({ length: keys }, (_, index) => [`k${index}k`, index])) });
  expect(isTaken(wide(64))).toBe(true);
  expect(isTaken(wide(65))).toBe(false);
  const large = readPlainEvent(Buffer.from(JSON.stringify({ text: 'x'.repeat(65_526) })));
  expect(large?.events[0]?.plain).toBeUndefined();
  expect(readPlainEvent(Buffer.from(JSON.stringify({ text: 'x'.repeat(65_525) })))?.events[0]?.plain).toBeDefined();
});

test('a body that breaks off anywhere is not taken, whatever an earlier one left in memory', () => {
  const whole = Buffer.from(JSON.stringify({ text: 'a "b" \\ größe', list: [1, -2.5, true, null, { deep: {} }], no: false, properties: { price: 19.99 } }));
  for (let length = 0; length < whole.length; length++) {
    expect(isTaken(whole)).toBe(true);
    expect(isTaken(whole.subarray(0, length)), whole.toString('utf8', 0, length)).toBe(false);
  }
  // Larger than the memory that is kept, and smaller again.
  for (const length of [2 << 20, 10, 3 << 20, 10]) expect(isTaken(JSON.stringify({ text: 'x'.repeat(length) }))).toBe(true);
});

test('any byte is told wherever it stands in a text', () => {
  const scanner = new PlainScanner(0);
  const text = Buffer.alloc(14, 'a');
  for (let place = 1; place <= 12; place++) {
    for (let byte = 0; byte < 256; byte++) {
      text.fill('a')[0] = text[13] = 0x22;
      text[place] = byte;
      scanner.begin(text);
      // Behind a backslash no "a" may stand, and a quote ends nothing.
      const expected = byte === 0x22 ? place + 1 : byte < 0x20 || byte === 0x5c ? -1 : text.length;
      expect(scanner.value(0, 1), `byte ${byte} at ${place}`).toBe(expected);
    }
  }
});

test('a key counts once however well its object is known, and a wanted one is found behind any others', () => {
  const name = fc.constantFrom('a', 'b', 'ab', 'abc', 'eventId', 'eventIb', 'context', 'cxxtxxt', 'page', 'pagf', 'url', '', 'é', 'a'.repeat(70));
  const value = fc.letrec<{ value: string }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom('1', '"x"', 'null', '[]'),
      fc.array(fc.tuple(name, tie('value')), { maxLength: 5 }).map((all) => `{${all.map(([key, text]) => `"${key}":${text}`).join(',')}}`),
      fc.array(tie('value'), { maxLength: 3 }).map((all) => `[${all.join(',')}]`),
    ),
  })).value;
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value), { maxLength: 7 }), (all) => {
      const text = `{${all.map(([key, of]) => `"${key}":${of}`).join(',')}}`;
      const body = readPlainEvent(Buffer.from(text));
      expect(body !== undefined, text).toBe(isPlain(text));
      if (body === undefined) return;
      const said = JSON.parse(text) as { eventId?: unknown; context?: { page?: { url?: unknown } } };
      const plain = body.events[0]!.plain;
      // What is no object where one should be is left to JSON.parse.
      if (plain === undefined) return;
      expect(plain.excerpt['eventId']).toEqual(said.eventId);
      const page = (plain.excerpt['context'] as { page?: { url?: unknown } } | undefined)?.page;
      const isObject = typeof said.context?.page === 'object' && said.context.page !== null && !Array.isArray(said.context.page);
      expect(page?.url).toEqual(isObject ? said.context?.page?.url : undefined);
    }),
    { numRuns: 20_000 },
  );
});

test('more keys than are remembered, and more behind one, change nothing', () => {
  const usual = '{"eventId":"e","eventName":"n","context":{"page":{"url":"u"},"locale":"l"}}';
  const check = (): void => {
    const { excerpt } = readPlainEvent(Buffer.from(usual))!.events[0]!.plain!;
    expect(excerpt).toMatchObject({ eventId: 'e', eventName: 'n', context: { page: { url: 'u' }, locale: 'l' } });
    expect(isTaken('{"eventId":"e","eventName":"n","eventId":"f"}')).toBe(false);
  };
  for (let number = 0; number < 20_000; number++) {
    expect(isTaken(`{"key-${number % 13}":1,"own-${number}":{"a":[{"x${number}":2}]},"eventId":"e"}`)).toBe(true);
    expect(isTaken(`{"own-${number}":1,"own-${number}":1}`)).toBe(false);
    if (number % 100 === 0) check();
  }
  check();
});
