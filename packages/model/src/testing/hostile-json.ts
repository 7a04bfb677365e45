/**
 * Legal JSON texts (RFC 8259) that parsers and stores disagree on: texts, not values, since what hurts is mostly gone
 * once JSON.parse has read it. Keys that stand twice, numbers no type holds, halves of surrogate pairs, every way of
 * writing a character, white space in all places, names that objects inherit.
 */
import fc from 'fast-check';

const space = fc.constantFrom('', '', '', '', ' ', '\n', '\t', '\r\n', '  \n\t');

/** A character (or half of one) and how it is written; `"\ud83d\ude00"` may come raw, escaped, or half and half. */
const unit = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0x20, max: 0x7e }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 0xffff }) },
  { weight: 2, arbitrary: fc.constantFrom(0, 8, 9, 10, 13, 0x22, 0x2f, 0x5c, 0x7f, 0xe9, 0x2028, 0xd800, 0xdbff, 0xdc00, 0xdfff, 0xfeff, 0xfffd, 0xffff) },
  { weight: 1, arbitrary: fc.integer({ min: 0x1f300, max: 0x1faff }) },
);
const SHORT: Record<number, string> = { 8: '\\b', 9: '\\t', 10: '\\n', 12: '\\f', 13: '\\r', 0x22: '\\"', 0x2f: '\\/', 0x5c: '\\\\' };

function written(code: number, style: number): string {
  const text = String.fromCodePoint(code);
  if (style === 0 && SHORT[code] !== undefined) return SHORT[code];
  const mustEscape = code < 0x20 || code === 0x22 || code === 0x5c || (code >= 0xd800 && code <= 0xdfff);
  if (!mustEscape && style < 4) return text;
  const units = Array.from({ length: text.length }, (_, at) => text.charCodeAt(at).toString(16).padStart(4, '0'));
  return units.map((hex) => `\\u${style % 2 === 0 ? hex : hex.toUpperCase()}`).join('');
}

function stringText(maxLength: number): fc.Arbitrary<string> {
  return fc.array(fc.tuple(unit, fc.nat(5)), { maxLength }).map((units) => `"${units.map(([code, style]) => written(code, style)).join('')}"`);
}

const string = fc.oneof(
  { weight: 6, arbitrary: stringText(10) },
  { weight: 3, arbitrary: fc.constantFrom(
    '""', '"2026-01-01"', '"2026-01-01T00:00:00Z"', '"12"', '"1e3"', '"nan"', '"inf"', '"null"', '"true"', '"\\\\ud800"', '"\\ud83d\\ude00"',
    '"\\ud83dx"', '"\\u0000"', '"NULL"', '"\\\\N"', '"{}"', '"[1]"', '"127.0.0.1"', '"\\u2028"', '"a\\u0000b"', '"61f0c404-5cb3-11e7-907b-a6006ad3dba0"',
  ) },
);

const numberText = fc.oneof(
  { weight: 4, arbitrary: fc.integer().map(String) },
  { weight: 2, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)) },
  { weight: 4, arbitrary: fc.constantFrom(
    '0', '-0', '-0.0', '0e0', '-0e-5', '1e-400', '-1e-400', '5e-324', '2.2250738585072014e-308', '2.225073858507201e-308', '1.7976931348623157e308',
    '-1.7976931348623157e+308', '9007199254740991', '9007199254740993', '9223372036854775807', '9223372036854775808', '-9223372036854775808',
    '-9223372036854775809', '18446744073709551615', '18446744073709551616', '123456789012345678901234567890', '-123456789012345678901234567890',
    '1E5', '1e+5', '1.0', '100000000000000000000.0', '1e22', '1e23', '0.1e1', '0.30000000000000004', '3.141592653589793238462643383279', '1e19', '1e18', '1e15', '12345678.9e-3',
  ) },
  { weight: 1, arbitrary: fc.tuple(fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }), fc.constantFrom('', '.0', '.5', 'e0', 'E-2', 'e+2')).map(([whole, tail]) => `${whole}${tail}`) },
);
const infiniteNumberText = fc.constantFrom('1e400', '-1e400', '1e309', '179769313486231580793728971405303415079934132710037826936173778980444968292764750946649017977587207096330286416692887910946555547851940402630657488671505820681908902000708383676273854845817711531764475730270069855571366959622842914819860834936475292719074168444365510704342711559699508093042880');

const key = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...'abcde'.split('').map((name) => `"${name}"`)) },
  { weight: 3, arbitrary: fc.constantFrom(
    '"__proto__"', '"constructor"', '"toString"', '"hasOwnProperty"', '"toJSON"', '"valueOf"', '"length"', '"prototype"', '""', '"."', '".."', '"a."', '".a"',
    '"a.b"', '"a%2Eb"', '"`"', '":"', '"[]"', '"a:Int64"', '"^a"', '"$set"', '"é"', '"\\u0061"', '"0"', '"-1"', '"a[0]"', '"\\u0000"', '"\\ud800"', '"\\udc00"', '"null"', '"a.:Int64"', '"a.^b"', '"\\""', '"\\\\"',
  ) },
  { weight: 2, arbitrary: stringText(6) },
);

const keyword = fc.constantFrom('null', 'true', 'false');

type Texts = { value: string; object: string };

const inner = fc.letrec<Texts>((tie) => ({
  value: fc.oneof(
    { maxDepth: 6, withCrossShrink: true },
    string,
    numberText,
    keyword,
    fc.array(fc.tuple(space, tie('value'), space), { maxLength: 6 }).map((items) => `[${items.map((item) => item.join('')).join(',')}]`),
    tie('object'),
  ),
  object: fc.array(fc.tuple(space, key, space, space, tie('value'), space), { maxLength: 6 })
    .map((members) => `{${members.map(([a, name, b, c, child, d]) => `${a}${name}${b}:${c}${child}${d}`).join(',')}}`),
}));

/** Any JSON value; its numbers fit a 64-bit float. */
export const hostileValue = inner.value;

/** Objects in odd sizes: one key of many characters, many keys, long lists of all types, brackets in brackets. */
const grown = fc.oneof(
  fc.tuple(fc.constantFrom(200, 255, 300, 4_000, 30_000), fc.constantFrom('k', 'é', '\\u0001', '/', '.')).map(([length, text]) => `{"${text.repeat(length / text.length)}":1}`),
  fc.tuple(fc.constantFrom(60, 65, 200, 511, 512, 513), hostileValueOrOne()).map(([keys, value]) => `{${Array.from({ length: keys }, (_, at) => `"k${at}":${value.length < 60 ? value : at}`).join(',')}}`),
  fc.tuple(fc.array(inner.value, { minLength: 1, maxLength: 8 }), fc.constantFrom(10, 300, 2_000)).map(([values, length]) => `{"list":[${listOf(values, length)}]}`),
  fc.tuple(fc.constantFrom(18, 19, 20, 21, 200), fc.boolean(), inner.value).map(([levels, lists, value]) =>
    lists ? `{"a":${'['.repeat(levels - 1)}${value}${']'.repeat(levels - 1)}}` : `${'{"a":'.repeat(levels)}${value}${'}'.repeat(levels)}`),
);

function hostileValueOrOne(): fc.Arbitrary<string> {
  return fc.oneof(fc.constant('1'), inner.value);
}

/** As many of `values`, in turn, as fit some 50 KB. */
function listOf(values: readonly string[], length: number): string {
  let text = '';
  for (let at = 0; at < length && text.length < 50_000; at++) text += (at === 0 ? '' : ',') + values[at % values.length]!;
  return text;
}

export const hostileObject = fc.oneof({ weight: 9, arbitrary: inner.object }, { weight: 1, arbitrary: grown });

const idText = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('"u1"', '"José 🦊"', '"a@example.com"', '"\\u0075\\u0031"', '"00"', '"a\\u0000b"') },
  { weight: 1, arbitrary: fc.constantFrom(
    'null', '""', '"null"', '" Guest "', '"NaN"', '"[object Object]"', '"0"', '"-1"', '0', '12345678901234567890', '{}', '[]', 'true', '"\\ud800"', '"undefined"', '"\\u00a0"', '"nil"',
    `"${'x'.repeat(200)}"`, `"${'x'.repeat(201)}"`, `"${'🦊'.repeat(256)}"`, `"${'🦊'.repeat(257)}"`, `"${' '.repeat(60)}guest"`, '"none\\u0000"', '"id"', '"ID1"',
  ) },
  { weight: 1, arbitrary: string },
);

const timeText = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 1.6e12, max: 1.9e12 }).map(String) },
  { weight: 4, arbitrary: fc.constantFrom(
    '"2026-05-03T10:00:00.123Z"', '"2026-05-03T10:00:00+02:00"', '"2026-05-03 10:00:00-0330"', '"2016-12-31T23:59:60Z"', '"2024-02-29T00:00:00Z"', '"2026-05-03t10:00:00.999999999z"',
    '"1970-01-01T00:00:00Z"', '"2261-12-31T23:59:59.999Z"', '0', '9214646399999', '1777802400000.7', '-0', 'null', '""', '1e12',
  ) },
  { weight: 2, arbitrary: fc.constantFrom(
    '"2026-02-30T00:00:00Z"', '"2026-05-03"', '"2026-05-03T10:00:00"', '"2262-01-01T00:00:00Z"', '"1969-12-31T23:59:59Z"', '9214646400000', '-1', '1777802400', '100000000', '99999999999', '1e300',
    '-1e-400', '{}', '[]', 'true', '"0000-01-01T00:00:00Z"', '"2026-05-03T24:00:00Z"', '"2026-05-03T10:00:00+24:00"', '"2026-05-03T10:00:00.Z"', '"٢٠٢٦-05-03T10:00:00Z"', '"x"',
  ) },
  { weight: 1, arbitrary: string },
);

const url = fc.constantFrom(
  '"https://shop.example/?utm_source=a%ZZ&utm_medium=%F0%9F%A6%8A&gclid=x"', '"/?utm_source=%ED%A0%80&utm_campaign=%00"', '"://"', '"http://[::1"', '"?utm_source=__proto__"',
  `"https://x/?utm_source=${'%F0%9F%A6%8A'.repeat(100)}"`, `"https://x/?fbclid=${'🦊'.repeat(260)}"`, '"https://www.google.de/"', '"android-app://x/"', '"?__proto__=1&utm_id=2"', '"\\ud83d"',
);
const pageText = fc.oneof(
  hostileValue,
  fc.record({ url, referrer: url, search: url, path: fc.oneof(url, string) }, { requiredKeys: [] }).map(objectText),
);

const KNOWN = [
    '"203.0.113.7"', '"::ffff:203.0.113.7"', '"fe80::1%eth0"', '{"country":"de"}', '{"country":"ß1"}', '{"name":"iOS","version":"17"}', '{"type":"ios","model":"iPad4"}',
    '{"source":"s","medium":"cpc","name":"\\ud800"}', '{"name":"@segment/analytics-node"}', '"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0.0.0 Safari/537.36"',
    '"Googlebot/2.1"', 'false', '{"version":"9.9.9"}', `"${'🦊'.repeat(400)}"`, '{"__proto__":{"name":"x"}}',
];

const context = fc.oneof(
  { weight: 2, arbitrary: hostileObject },
  { weight: 3, arbitrary: fc.record(
    Object.fromEntries(['userAgent', 'ip', 'os', 'browser', 'device', 'geo', 'campaign', 'referrer', 'channel', 'locale', 'app', 'appVersion', 'library', 'traits', 'direct']
      .map((name) => [name, fc.oneof(string, hostileObject, hostileValue, fc.constantFrom(...KNOWN))])) as Record<string, fc.Arbitrary<string>>,
    { requiredKeys: [] },
  ).chain((fields) => fc.tuple(fc.constant(fields), pageText)).map(([fields, page]) => objectText({ ...fields, page })) },
);

function objectText(fields: Record<string, string>): string {
  return `{${Object.entries(fields).map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(',')}}`;
}

/** Fields of an event as [name as JSON, value as JSON], in any order; now and then one stands twice or is unknown. */
export type EventFields = readonly (readonly [name: string, value: string])[];

const rare = <Value>(arbitrary: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> => fc.option(arbitrary, { nil: undefined, freq: 3 });

const fields: fc.Arbitrary<EventFields> = fc
  .record({
    eventName: fc.oneof({ weight: 5, arbitrary: fc.constantFrom('"purchase"', '"page_view"', '"🦊"') }, { weight: 1, arbitrary: idText }, { weight: 1, arbitrary: fc.constantFrom('" "', '""', 'null', '7', `"${'🦊'.repeat(200)}"`) }),
    userId: idText,
    anonymousId: rare(idText),
    sessionId: rare(idText),
    groupId: rare(idText),
    previousId: rare(idText),
    messageId: rare(idText),
    event: rare(string),
    type: rare(fc.oneof({ weight: 6, arbitrary: fc.constantFrom('"track"', '"page"', '"screen"', '"identify"', '"group"', '"alias"', 'null', '""') }, { weight: 1, arbitrary: hostileValue })),
    timestamp: rare(timeText),
    sentAt: rare(timeText),
    sequence: rare(fc.oneof({ weight: 3, arbitrary: fc.nat().map(String) }, { weight: 1, arbitrary: fc.oneof(numberText, hostileValue) })),
    schemaVersion: rare(fc.oneof(fc.constantFrom('2', '"2.0"', '-0', '1.5', '9007199254740993', `"${'x'.repeat(65)}"`), string)),
    properties: rare(fc.oneof(
      { weight: 6, arbitrary: hostileObject },
      { weight: 2, arbitrary: fc.record({ $set: hostileValue, url, referrer: url, search: url, path: string }, { requiredKeys: [] }).map(objectText) },
      { weight: 1, arbitrary: hostileValue },
      { weight: 1, arbitrary: infiniteNumberText.map((number) => `{"a":[{"b":${number}}]}`) },
    )),
    context: rare(fc.oneof({ weight: 8, arbitrary: context }, { weight: 1, arbitrary: hostileValue })),
    traits: rare(fc.oneof({ weight: 6, arbitrary: hostileObject }, { weight: 1, arbitrary: hostileValue })),
  })
  .chain((record) => {
    const named = Object.entries(record).flatMap(([name, value]) => (value === undefined ? [] : [[JSON.stringify(name), value] as const]));
    return fc.tuple(fc.shuffledSubarray(named, { minLength: named.length }), rare(fc.tuple(key, hostileValue)), rare(fc.tuple(fc.constantFrom('"userId"', '"properties"', '"\\u0075serId"', '"__proto__"'), fc.oneof(idText, hostileObject))));
  })
  .map(([named, unknown, twice]) => [...(unknown === undefined ? [] : [unknown]), ...named, ...(twice === undefined ? [] : [twice])]);

/**
 * An event in all its fields but the eventId, which tests give so that they can tell events apart. Mostly legal, mostly odd.
 */
export const hostileEvent: fc.Arbitrary<EventFields> = fields;

/** The event as text, `eventId` (a JSON text) among its fields; undefined leaves it out. */
export function eventText(event: EventFields, eventId: string | undefined): string {
  const all = eventId === undefined ? event : [...event.slice(0, 1), ['"eventId"', eventId] as const, ...event.slice(1)];
  return `{${all.map(([name, value]) => `${name}:${value}`).join(',')}}`;
}
