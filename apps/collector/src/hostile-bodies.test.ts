/**
 * Bodies made to hurt, over real sockets: each event of a body that can be read has exactly one end, the one that a plain
 * model of the protocol says; its neighbours live; what is answered is what was appended. fast-check prints the seed of
 * a failing run; `TIDEMARK_HOSTILE_BODIES=20000` tries more.
 */
import { isUtf8 } from 'node:buffer';
import { gunzipSync, gzipSync } from 'node:zlib';
import { INGEST_ERRORS, LIMITS, readRow } from '@tidemark/event';
import type { JsonObject } from '@tidemark/event';
import { forEachRecord } from '@tidemark/log';
import { atTheDoor, meaningOf } from '@tidemark/model';
import type { AtTheDoor } from '@tidemark/model';
import { eventText, hostileEvent, hostileValue } from '@tidemark/model/testing';
import type { QuarantineRecord } from '@tidemark/pipeline';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { requestBytes, send } from './testing/http-client.ts';
import type { Framing, RawAnswer } from './testing/http-client.ts';
import { KEY, startCollector } from './testing/server.ts';
import { openRaw } from './testing/sockets.ts';
import type { RunningCollector } from './testing/server.ts';

const BODIES = Number(process.env['TIDEMARK_HOSTILE_BODIES'] ?? 150);
const TIMEOUT_MS = 60_000 + BODIES * 60;
const AUTH = [`Authorization: Bearer ${KEY}`];

let collector: RunningCollector;
beforeAll(async () => {
  collector = await startCollector();
});
afterAll(() => collector.close());
const seenOffsets = { events: 0, quarantine: 0 };
let accounted = 0;
beforeEach(() => void appended());

/** What the log has taken since it was asked last; all of it, and no more, must have been counted as received (A1). */
function appended(): { rows: ReturnType<typeof readRow>[]; records: QuarantineRecord[] } {
  const read = <Value>(topic: 'events' | 'quarantine', decode: (bytes: Buffer) => Value): Value[] => {
    const found: Value[] = [];
    for (const batch of collector.log.read(topic, 0, seenOffsets[topic], { maxRecords: 1e9, maxBytes: 1e12 }))
      forEachRecord(batch, (_, bytes, start, end) => found.push(decode(bytes.subarray(start, end))));
    seenOffsets[topic] = collector.log.endOffset(topic, 0);
    return found;
  };
  const rows = read('events', readRow);
  const records = read('quarantine', (bytes) => JSON.parse(bytes.toString()) as QuarantineRecord);
  accounted += rows.length + records.reduce((sum, record) => sum + (record.kind === 'tally' ? record.events : 1), 0);
  expect(collector.log.snapshot(0).received.reduce((sum, { received }) => sum + received, 0)).toBe(accounted);
  return { rows, records };
}

const lengths = fc.array(fc.nat(300), { maxLength: 20 });
const framing: fc.Arbitrary<Framing> = fc.oneof(
  fc.record({ kind: fc.constant('length' as const), pieces: lengths }),
  fc.record({ kind: fc.constant('chunked' as const), pieces: lengths, extension: fc.constantFrom('', ';a=b'), trailer: fc.boolean() }),
  fc.constantFrom<Framing>({ kind: 'http/1.0' }, { kind: 'expect' }),
);

let number = 0;
/** Every other one has an escape that JSON.stringify would write too, and is plain for all that. */
const good = (): string => `{"eventId":"good-${number++}","eventName":"click","userId":"u1","timestamp":1777802400000,"properties":{"n":${number},"t":"é🦊${number % 2 === 0 ? '\\u0000' : '\\n'}"}}`;

/** One element of `events`: what it says, in bytes; `broken` when those are not UTF-8. */
const element: fc.Arbitrary<() => Buffer> = fc.oneof(
  { weight: 4, arbitrary: fc.constant(() => Buffer.from(good())) },
  { weight: 6, arbitrary: fc.tuple(hostileEvent, fc.constantFrom(true, true, true, true, false)).map(([fields, named]) => () => Buffer.from(eventText(fields, named ? `"h-${number++}"` : undefined))) },
  { weight: 2, arbitrary: hostileValue.map((value) => () => Buffer.from(value)) },
  { weight: 1, arbitrary: fc.constantFrom(LIMITS.maxEventBytes - 80, LIMITS.maxEventBytes + 1).map((size) => () => Buffer.from(`{"eventId":"large-${number++}","eventName":"x","userId":"u","properties":{"t":"${'x'.repeat(size)}"}}`)) },
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom([0xff], [0xc3], [0xed, 0xa0, 0x80], [0xc0, 0xaf], [0xf4, 0x90, 0x80, 0x80], [0x80], [0xe2, 0x82]), fc.constantFrom('eventId', 'userId', 'properties', 'eventName', 'other')).map(([bytes, field]) => () => {
    const [before, after] = good().slice(0, -1).concat(field === 'properties' ? ',"properties":{"x":"|"}}' : `,"${field}":"|"}`).split('|') as [string, string];
    return Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after)]);
  }) },
);

const space = fc.constantFrom('', ' ', '\n\t', '\r\n  ');
const batch = fc.record({
  elements: fc.array(element, { maxLength: 12 }),
  space,
  sentAt: fc.constantFrom('', '"sentAt":null,', '"sentAt":"2026-05-03T09:00:00Z",', '"sentAt":"x",', '"\\u0073entAt":1777802400000,'),
  before: fc.constantFrom('', '"events":[{"eventId":"not this"}],', '"events":7,', '"__proto__":{"events":[]},', '"x":"\\"events\\":[",', '"events ":[1],'),
  bom: fc.boolean(),
  zipped: fc.boolean(),
}).chain((made) => fc.constantFrom(made, { ...made, plain: true, before: '', space: '', bom: false }));

it(`C5, C6, A1: each event of ${BODIES} hostile batches has the end that the model says, and its neighbours theirs`, async () => {
  await fc.assert(
    fc.asyncProperty(batch, framing, async (made, framed) => {
      const elements = made.elements.map((make) => ('plain' in made ? plain(make()) : make()));
      const joined = elements.flatMap((bytes, index) => [Buffer.from(`${index === 0 ? '' : ','}${made.space}`), bytes, Buffer.from(made.space)]);
      const json = Buffer.concat([Buffer.from(`${made.bom ? '\ufeff' : ''}${made.space}{${made.before}${made.sentAt}"events":[`), ...joined, Buffer.from(`]${made.space}}`)]);
      const answer = await send(collector.port, requestBytes('/api/events/batch', AUTH, made.zipped ? gzipSync(json) : json, framed));
      expect(answer.status).toBe(202);
      const receivedAtMs = Date.parse(String(answer.body['receivedAt']));
      const { sentAt } = JSON.parse(`{${made.sentAt}"x":0}`) as { sentAt?: unknown };
      expectEnds(elements, answer, elements.map((bytes) => endOf(bytes, receivedAtMs, sentAt)));
      expect(collector.logged.filter((line) => line.startsWith('error'))).toEqual([]);
    }),
    { numRuns: BODIES },
  );
}, TIMEOUT_MS);

/** The same event as JSON.stringify writes it, as most clients do; the collector reads such bodies in a way of their own. */
function plain(bytes: Buffer): Buffer {
  return Buffer.from(JSON.stringify(JSON.parse(bytes.toString())));
}

function endOf(bytes: Buffer, receivedAtMs: number, sentAt: unknown): AtTheDoor {
  const value = JSON.parse(bytes.toString()) as unknown;
  if (!isUtf8(bytes)) return { end: 'quarantined', faults: [': invalid_unicode'] };
  return atTheDoor(value, { receivedAtMs, sentAt });
}

/** Answer and log, both against the ends that the model gives. */
function expectEnds(elements: readonly Buffer[], { body }: RawAnswer, ends: readonly AtTheDoor[]): void {
  const { rows, records } = appended();
  const of = (end: AtTheDoor['end']) => ends.flatMap((each, index) => (each.end === end ? [index] : []));
  const rejected = body['rejected'] as { index: number; eventId: string; code: string; detail: string; quarantined: boolean; errors: { field: string; code: string; detail: string }[] }[];
  expect(body['accepted']).toBe(of('stored').length);
  expect(rejected.map(({ index, quarantined }) => [index, quarantined])).toEqual(
    ends.flatMap(({ end }, index) => (end === 'stored' ? [] : [[index, end === 'quarantined']])),
  );
  for (const { index, code, detail, errors } of rejected) {
    expect(errors.length).toBeGreaterThan(0);
    expect(errors[0]).toMatchObject({ code, detail });
    for (const error of errors) {
      expect(Object.keys(INGEST_ERRORS)).toContain(error.code);
      expect(error.detail).toMatch(/^\S.*\.$/s);
      expect(typeof error.field).toBe('string');
    }
    const end = ends[index]!;
    if (end.end === 'quarantined') expect(end.faults.some((fault) => wordsOf(errors[0]!).includes(fault)), `${JSON.stringify(errors[0])} of ${elements[index]!.toString()}`).toBe(true);
  }
  // Stored as sent, in the order they were sent.
  expect(rows.length).toBe(of('stored').length);
  for (const [at, index] of of('stored').entries()) {
    const end = ends[index]!;
    if (end.end !== 'stored') continue;
    const { properties, context: _, traits, ...plain } = end.event;
    const row = rows[at]!;
    expect(row).toMatchObject({ ...plain, sequence: plain.sequence + 0, originalTimeMs: plain.originalTimeMs + 0, project: 'shop', source: 'web' });
    expect(meaningOf(JSON.parse(row.properties) as JsonObject)).toBe(meaningOf(properties));
    expect(meaningOf(JSON.parse(row.traits) as JsonObject)).toBe(meaningOf(traits));
  }
  // Kept byte for byte.
  const items = records.filter((record) => record.kind === 'item');
  expect(items.map(({ original, encoding }) => Buffer.from(original, encoding).toString('latin1'))).toEqual(of('quarantined').map((index) => elements[index]!.toString('latin1')));
  const tallied = records.reduce((sum, record) => sum + (record.kind === 'tally' ? record.events : 0), 0);
  expect(tallied).toBe(of('rejected').length);
}

const SHAPE = ['too_many_properties', 'too_deep', 'number_out_of_range'];
/** Of numbers in an event that is too deep the model says nothing. */
const wordsOf = ({ field, code }: { field: string; code: string }) => (code === 'number_out_of_range' ? [code, 'too_deep'] : SHAPE.includes(code) ? [code] : [`${field}: ${code}`]);

/** Things that happen to a body on its way, or are done to it. */
const damage: fc.Arbitrary<(body: Buffer) => Buffer> = fc.oneof(
  fc.double({ min: 0, max: 1, noNaN: true }).map((share) => (body: Buffer) => body.subarray(0, Math.floor(body.length * share))),
  fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }).map((changes) => (body: Buffer) => {
    const changed = Buffer.from(body);
    for (const [at, byte] of changes) if (changed.length > 0) changed[at % changed.length] = byte;
    return changed;
  }),
  fc.tuple(fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 5 })).map(([at, bytes]) => (body: Buffer) => Buffer.concat([body.subarray(0, at % (body.length + 1)), bytes, body.subarray(at % (body.length + 1))])),
  fc.constantFrom(
    (body: Buffer) => Buffer.concat([body, body]),
    (body: Buffer) => Buffer.concat([body, Buffer.from('\n'), body]),
    (body: Buffer) => Buffer.concat([body, Buffer.from('\u0000')]),
    (body: Buffer) => Buffer.concat([Buffer.from('\ufeff\ufeff'), body]),
    (body: Buffer) => Buffer.from(body.toString(), 'utf16le'),
    (body: Buffer) => Buffer.from(body.toString('base64')),
    (body: Buffer) => Buffer.from(`data=${encodeURIComponent(body.toString())}`),
    (body: Buffer) => Buffer.from(body.toString().replaceAll('"', "'")),
    (body: Buffer) => Buffer.from(`${body.toString().slice(0, -1)},}`),
    (body: Buffer) => gzipSync(gzipSync(body)),
    (body: Buffer) => Buffer.concat([gzipSync(body), Buffer.from('garbage')]),
    (body: Buffer) => Buffer.concat([gzipSync(body.subarray(0, 50)), gzipSync(body.subarray(50))]),
    (body: Buffer) => gzipSync(body).subarray(0, -4),
    () => Buffer.alloc(0),
    () => Buffer.from('null'),
    () => Buffer.from('{"events":{"length":2}}'),
    () => Buffer.from([0x1f, 0x8b]),
  ),
);

it(`C3, C7: ${BODIES} bodies cut, changed and wrapped are read for what they are, or kept whole; nothing else is stored`, async () => {
  await fc.assert(
    fc.asyncProperty(damage, fc.option(damage, { nil: undefined, freq: 4 }), fc.boolean(), framing, async (first, second, zipped, framed) => {
      const whole = Buffer.from(`{"events":[${[good(), good(), good()].join(',')}]}`);
      const damaged = first(zipped && second === undefined ? gzipSync(whole) : whole);
      const body = second === undefined ? damaged : second(zipped ? gzipSync(damaged) : damaged);
      const answer = await send(collector.port, requestBytes('/api/events/batch', AUTH, body, framed));
      const { content, value } = readAs(body);
      const events = (value as { events?: unknown } | null | undefined)?.events;
      if (Array.isArray(events)) {
        expect(answer.status).toBe(202);
        const rejected = answer.body['rejected'] as { index: number }[];
        expect(Number(answer.body['accepted']) + rejected.length).toBe(events.length);
        const { rows, records } = appended();
        expect(rows.length).toBe(answer.body['accepted']);
        expect(records.reduce((sum, record) => sum + (record.kind === 'tally' ? record.events : 1), 0)).toBe(rejected.length);
        // What was not touched is stored as it was sent.
        const untouched = events.filter((event) => atTheDoor(event, { receivedAtMs: Date.now() }).end === 'stored');
        if (isUtf8(content)) expect(rows.map(({ eventId }) => eventId)).toEqual(untouched.map((event) => (event as { eventId: string }).eventId));
      } else {
        const code = value === undefined ? 'invalid_json' : 'invalid_batch';
        expect([answer.status, answer.body['code'], answer.body['quarantined']]).toEqual([400, code, true]);
        const { rows, records } = appended();
        expect(rows).toEqual([]);
        expect(records).toMatchObject([{ kind: 'item', code }]);
        const [item] = records as [QuarantineRecord & { kind: 'item' }];
        expect(Buffer.from(item.original, item.encoding).equals(content)).toBe(true);
      }
    }),
    { numRuns: BODIES },
  );
  expect(collector.logged.filter((line) => line.startsWith('error'))).toEqual([]);
}, TIMEOUT_MS);

/** C3 and C7 in plain words: what a body holds, and what it means (undefined when it is no JSON). */
function readAs(body: Buffer): { content: Buffer; value: unknown } {
  let content = body;
  if (body[0] === 0x1f && body[1] === 0x8b) {
    try {
      content = gunzipSync(body);
    } catch {
      return { content: body, value: undefined };
    }
  }
  try {
    const text = content.toString();
    return { content, value: JSON.parse(text.startsWith('\ufeff') ? text.slice(1) : text) };
  } catch {
    return { content, value: undefined };
  }
}

it('C7: a body cut at each of its bytes is kept as it came, and the whole one is taken', async () => {
  const body = Buffer.from(`{"events":[${good()}],"x":"\\ud83d\\ude00é"}`);
  for (let end = 0; end <= body.length; end++) {
    const { status, body: said } = await collector.post('/api/events/batch', body.subarray(0, end));
    expect([end, status, said['code']]).toEqual(end === body.length ? [end, 202, undefined] : [end, 400, 'invalid_json']);
  }
  const { rows, records } = appended();
  expect([rows.length, records.length]).toEqual([1, body.length]);
}, TIMEOUT_MS);

it('C7: a small body that unpacks to megabytes of control characters takes no more of the log than its bytes in base64', async () => {
  const bytes = Buffer.alloc(8 << 20, 1);
  const zipped = gzipSync(bytes);
  expect(zipped.length).toBeLessThan(20_000);
  const answer = await collector.post('/api/events/batch', zipped);
  expect([answer.status, answer.body['code']]).toEqual([400, 'invalid_json']);
  const [batch] = collector.log.read('quarantine', 0, collector.log.endOffset('quarantine', 0) - 1, { maxRecords: 1, maxBytes: 1 });
  expect(batch!.bytes.length).toBeLessThan(bytes.length * 1.4);
  const [item] = appended().records as [QuarantineRecord & { kind: 'item' }];
  expect(Buffer.from(item.original, item.encoding).equals(bytes)).toBe(true);
});

it('C4: a client of HTTP/1.0 is sent no 100-continue, whatever it expects', async () => {
  const body = good();
  const raw = openRaw(collector.port);
  raw.write(`POST /api/events HTTP/1.0\r\n${AUTH[0]}\r\nExpect: 100-continue\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  expect(await raw.closed()).toMatch(/^HTTP\/1\.1 202 [^]*"status":"accepted"/);
});

it('C14: a body longer than it said ends its connection with 400, one that is shorter is not stored', async () => {
  const body = good();
  const head = (length: number) => `POST /api/events HTTP/1.1\r\nHost: x\r\n${AUTH[0]}\r\nContent-Length: ${length}\r\n\r\n`;
  const longer = openRaw(collector.port);
  longer.write(head(Buffer.byteLength(body)) + body + body);
  expect(await longer.closed()).toMatch(/HTTP\/1\.1 400 [^]*bad_request/);
  const shorter = openRaw(collector.port);
  shorter.write(head(Buffer.byteLength(body) + 10) + body);
  shorter.socket.end();
  expect(await shorter.closed()).not.toContain('202');
  // What was sent whole is stored, whether or not its answer came before the 400: sent again, it is a duplicate.
  expect(appended().rows.length).toBe(1);
});
