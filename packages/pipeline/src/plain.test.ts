/**
 * Events that are not parsed are admitted as if they were. The one promise of the short way: it says just what JSON.parse,
 * JSON.stringify and `admit` say, or leaves it to them. `TIDEMARK_HOSTILE_EVENTS=100000` tries more.
 */
import { readPlainBatch, readPlainEvent, RowWriter } from '@tidemark/event';
import type { PlainBody, StoredEvent } from '@tidemark/event';
import { eventText, hostileEvent, hostileObject } from '@tidemark/model/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Admission } from './admission.ts';
import { createAdmission } from './create-admission.ts';
import { CHROME_ON_WINDOWS, request } from './testing.ts';

const EVENTS = Number(process.env['TIDEMARK_HOSTILE_EVENTS'] ?? 3_000);
const { admit, admitPlain } = createAdmission({ countryOf: (address) => (address === '9.9.9.9' ? 'CH' : '') });

/** What the door reads, said in ways that are right, odd and wrong. */
const word = fc.constantFrom('"x"', '""', 'null', '"a\\nb"', '"größe"', '"Safari"', '12', 'true', '{}', '[]', '{"a":[1,{"b":2}]}');
const url = fc.constantFrom('"https://shop.example/a?utm_source=n&utm_medium=email#x"', '"/a?gclid=1"', '"https://www.google.com/"', '"https://shop.example/\\"q\\""', 'null', '7');
const named = (...names: string[]) => fc.constantFrom(...names);
const members = (name: fc.Arbitrary<string>, value: fc.Arbitrary<string>) =>
  fc.array(fc.tuple(name, value), { maxLength: 6 }).map((all) => `{${all.map(([key, text]) => `"${key}":${text}`).join(',')}}`);
const address = members(named('url', 'path', 'search', 'referrer', 'title'), url);
const context = members(
  named('ip', 'direct', 'library', 'geo', 'userAgent', 'os', 'browser', 'device', 'page', 'campaign', 'referrer', 'channel', 'appVersion', 'app', 'locale', 'traits', 'more'),
  fc.oneof(word, url, address, fc.constantFrom(
    '"9.9.9.9"', 'false', '{"name":"analytics-node"}', '{"country":"de"}', JSON.stringify(CHROME_ON_WINDOWS), '{"name":"iOS","version":"17"}', '{"type":"ios"}',
    '{"source":"s","name":"n"}', '{"url":"https://t.co/x"}', '{"version":"1.2"}', '{"host":""}',
  )),
);
const number = fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e18, max: 1e18 }), fc.constantFrom(0, 1e-6, 1e-7, 19.99, 1 / 3)).map(String);
const properties = fc.oneof(
  { weight: 4, arbitrary: address },
  { weight: 4, arbitrary: members(named('plan', 'url', 'n', 'total', 'list'), fc.oneof(word, number, address)) },
  { weight: 1, arbitrary: hostileObject },
  { weight: 1, arbitrary: members(named('$set', 'plan'), fc.oneof(word, address)) },
);
/** Seldom wrong: an event of many fields is else never right. */
const mostly = (right: readonly string[], odd: readonly string[]) =>
  fc.oneof({ weight: 30, arbitrary: fc.constantFrom(...right) }, { weight: 1, arbitrary: fc.constantFrom(...odd) });
const usual = fc
  .record({
    type: mostly(['"track"', '"page"', '"screen"', '"group"', '"identify"', 'null', '""'], ['"x"', '"tr\\"ck"']),
    eventId: mostly(['"e-1"', '"e\\\\1"'], ['""', '7']),
    messageId: mostly(['"m-1"', 'null'], ['5']),
    eventName: mostly(['"click"', '"größe"'], ['" "', 'null']),
    event: fc.constantFrom('"Order Completed"'),
    userId: mostly(['"u-1"', 'null'], ['"null"', '3']),
    anonymousId: mostly(['"a-1"', '"🦊"'], ['"a\\tb"', '{}']),
    sessionId: mostly(['"s"', '""', 'null'], ['{"a":1}', '5']),
    timestamp: mostly(['"2026-05-03T09:59:00Z"', '1777802400000', '"2026-05-03T19:59:00+02:00"'], ['"x"', '"1971-01-01T00:00:00Z"']),
    sentAt: mostly(['"2026-05-03T09:00:00Z"', 'null'], ['"2099-01-01T00:00:00Z"', '[]']),
    sequence: mostly(['1', '0'], ['-1', '1.5', '"1"']),
    schemaVersion: mostly(['"2"', '2'], ['2.5']),
    groupId: mostly(['"g"'], ['[]']),
    previousId: mostly(['"p"'], ['{}']),
    properties,
    context,
    traits: fc.oneof({ weight: 1, arbitrary: hostileObject }, { weight: 20, arbitrary: mostly(['{"plan":"pro"}', '{}', 'null'], ['[]', '5']) }),
    more: word,
  }, { requiredKeys: ['eventId', 'eventName', 'anonymousId'] })
  .chain((fields) => fc.shuffledSubarray(Object.entries(fields), { minLength: Object.keys(fields).length }))
  .map((fields) => `{${fields.map(([name, text]) => `"${name}":${text}`).join(',')}}`);

const hostile = fc.tuple(hostileEvent, fc.constantFrom('"e1"', undefined)).map(([fields, id]) => eventText(fields, id));
/** As clients write it that use JSON.stringify. */
const compact = (text: fc.Arbitrary<string>) => text.map((json) => JSON.stringify(JSON.parse(json)));
const anyEvent = fc.oneof({ weight: 16, arbitrary: compact(usual) }, hostile, compact(hostile), usual);

/** One byte or two are another. */
const damage = fc.tuple(
  fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
  fc.nat(3),
  fc.constantFrom('', ' ', '"', '\\', ',', ':', '{', '}', '[', ']', '0', '-', '.', 'e', '1', '\\u0041', '\n', '\u0001', 'é', 'null', '"a":1,', '1e400', '0.1', '\\/', '123456789012345678'),
);
const maybeDamage = fc.oneof({ weight: 2, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: damage });
function damaged(text: string, [at, removed, put]: readonly [number, number, string]): string {
  const place = Math.floor(at * text.length);
  return (text.slice(0, place) + put + text.slice(place + removed)).toWellFormed();
}

const requests = fc.constantFrom(
  request(),
  request({ ip: '9.9.9.9', fromBrowser: true, userAgent: CHROME_ON_WINDOWS, imported: true }),
  request({ ip: '9.9.9.9', settings: { ip: 'keep', bots: 'drop', retentionDays: 1 } }),
  request({ ip: '9.9.9.9', settings: { ip: 'truncate' }, fromBrowser: true, userAgent: 'Googlebot/2.1' }),
);

const writer = new RowWriter(64);
let plain = 0;
let parsed = 0;

/** The same outcome, and of an event that is stored the same row, though one copies its texts and the other writes them. */
function expectSameAdmission(short: Admission, long: Admission): void {
  if (short.kind !== 'store' || long.kind !== 'store') return expect(short).toEqual(long);
  const { verbatim, contextAdded: _, ...event } = short.event;
  const { verbatim: none, contextAdded: __, ...expected } = long.event;
  expect(event).toEqual(expected);
  expect([verbatim === undefined, none]).toEqual([false, undefined]);
  expect(rowOf(short.event)).toEqual(rowOf(long.event));
}

function rowOf(event: StoredEvent): string {
  writer.write(event);
  return writer.drain().toString('latin1');
}

function expectSame(text: string, body: PlainBody | undefined, facts: typeof requests extends fc.Arbitrary<infer Facts> ? Facts : never): void {
  if (body === undefined) return;
  const whole = JSON.parse(text) as Record<string, unknown>;
  // What is taken is plain: the very text that JSON.stringify writes.
  expect(JSON.stringify(whole)).toBe(text);
  const values = 'events' in whole && Array.isArray(whole['events']) ? whole['events'] : [whole];
  expect(body.writeKey).toEqual(whole['writeKey']);
  expect(body.events.length).toBe(values.length);
  const bytes = Buffer.from(text);
  for (const [index, event] of body.events.entries()) {
    expect(bytes.toString('utf8', event.start, event.end)).toBe(JSON.stringify(values[index]));
    const short = event.plain && admitPlain(event.plain, { ...facts, sentAt: body.sentAt });
    if (short === undefined) parsed++;
    else plain++;
    if (short !== undefined) expectSameAdmission(short, admit(values[index], { ...facts, sentAt: whole['sentAt'] }));
  }
}

test('whatever JSON comes as a batch, the short way says what the long way says, or nothing', () => {
  const batch = fc.tuple(
    fc.array(anyEvent, { maxLength: 2 }),
    fc.constantFrom('', '', '', '"sentAt":"2026-05-03T09:00:00Z",', '"sentAt":5,', '"writeKey":"k","sentAt":null,', '"sentAt":1,"sentAt":2,', '"more":1,'),
    fc.constantFrom('', '', '', ',"writeKey":"k"', ' ', ',"events":[]'),
    maybeDamage,
  );
  fc.assert(
    fc.property(batch, requests, ([events, before, after, harm], facts) => {
      const whole = `{${before}"events":[${events.join(',')}]${after}}`;
      const text = harm === undefined ? whole : damaged(whole, harm);
      const body = readPlainBatch(Buffer.from(text));
      expectSame(text, body, facts);
    }),
    { numRuns: EVENTS },
  );
  // Or else nothing was tried.
  expect(plain).toBeGreaterThan(EVENTS / 10);
  expect(parsed).toBeGreaterThan(EVENTS / 100);
}, 180_000 + EVENTS * 10);

test('a key that only looks like a wanted one is not taken for it, nor what is inside', () => {
  // As long as "context", with the same first, middle and last byte.
  const text = '{"events":[{"eventId":"e","eventName":"n","userId":"u","context":{"page":{"path":"/own"}},"cxxtxxt":{"page":{"path":"/other"}}}]}';
  const body = readPlainBatch(Buffer.from(text));
  expect(body?.events[0]?.plain).toBeDefined();
  expectSame(text, body, request());
});

test('so it does with single events, and with bytes that are no UTF-8', () => {
  fc.assert(
    fc.property(anyEvent, maybeDamage, requests, (event, harm, facts) => {
      const text = harm === undefined ? event : damaged(event, harm);
      expectSame(text, readPlainEvent(Buffer.from(text)), facts);
      expect(readPlainEvent(Buffer.concat([Buffer.from(text), Buffer.from([0xff])]))).toBeUndefined();
    }),
    { numRuns: EVENTS },
  );
}, 180_000 + EVENTS * 10);

test('usual events are plain, escapes, other alphabets and all', () => {
  const events = [
    { eventId: '1', eventName: 'größe', userId: 'u', properties: { price: 19.99, text: 'a "b"\n', list: [1, 2], third: 1 / 3, products: [{ sku: 'a' }, { sku: 'b' }] } },
    { eventId: '2', type: 'page', anonymousId: 'a', context: { page: { url: 'https://x.example/ü' }, deep: { a: { b: null } } } },
    { messageId: '3', event: 'x', userId: 'u', traits: { plan: 'pro' }, timestamp: 1_777_802_400_000, empty: {}, none: [] },
  ];
  const body = readPlainBatch(Buffer.from(JSON.stringify({ sentAt: '2026-05-03T09:00:00Z', events })));
  expect(body?.events.map(({ plain: each }) => each !== undefined && admitPlain(each, request())?.kind)).toEqual(['store', 'store', 'store']);
});
