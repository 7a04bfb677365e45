/**
 * The door against a plain model of the protocol, with JSON made to hurt. `TIDEMARK_HOSTILE_EVENTS=100000` tries more;
 * fast-check prints the seed of a failing run.
 */
import { INGEST_ERRORS, readRow, RowWriter } from '@tidemark/event';
import type { JsonObject, JsonValue, StoredEvent } from '@tidemark/event';
import { atTheDoor, meaningOf } from '@tidemark/model';
import { eventText, hostileEvent } from '@tidemark/model/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Admission } from './admission.ts';
import { createAdmission } from './create-admission.ts';
import { request } from './testing.ts';

const EVENTS = Number(process.env['TIDEMARK_HOSTILE_EVENTS'] ?? 2_000);
const { admit } = createAdmission({ countryOf: () => 'DE' });

const facts = fc.record({
  clockMs: fc.constantFrom(undefined, undefined, undefined, Date.UTC(2016, 4, 3, 10), 0),
  receivedAtMs: fc.constantFrom(Date.UTC(2026, 4, 3, 10), 0, 1, Date.UTC(2036, 0, 1)),
  sentAt: fc.constantFrom(undefined, undefined, null, '', '2026-05-03T09:00:00Z', 'x', 5, '1970-01-01T00:00:00Z'),
  retentionDays: fc.constantFrom(null, null, 1, 3_000),
});
const eventId = fc.constantFrom('"e1"', '"e1"', '"e1"', undefined, '"null"', '""', 'null', '"a\\u0000b"', '1', '"\\udc00"');

test('E1-E15, T1-T8: whatever JSON comes, the door does what a plain model of the protocol does', () => {
  fc.assert(
    fc.property(hostileEvent, eventId, facts, (fields, id, { retentionDays, ...given }) => {
      const text = eventText(fields, id);
      const value = JSON.parse(text) as unknown;
      const admission = admit(value, request({ ...given, settings: { retentionDays } }));
      const expected = atTheDoor(JSON.parse(text), { ...given, receivedAtMs: given.clockMs ?? given.receivedAtMs, retentionDays });
      expect(seen(admission)).toEqual(expected.end === 'stored' ? { ...expected, event: plain(expected.event) } : expected);
      if (admission.kind !== 'store') return;
      expectContext(admission.event, JSON.parse(text) as JsonObject);
      expectRow(admission.event);
      // What is given is not changed.
      expect(JSON.stringify(value)).toBe(JSON.stringify(JSON.parse(text)));
    }),
    { numRuns: EVENTS },
  );
}, 180_000 + EVENTS * 10);

const SHAPE = ['too_many_properties', 'too_deep', 'number_out_of_range'];

/** What became of an event, in the words of the model. */
function seen(admission: Admission): object {
  if (admission.kind === 'filter') throw new Error('nothing is to be filtered');
  if (admission.kind === 'reject') return { end: 'rejected' };
  if (admission.kind === 'store') return { end: 'stored', event: plain(parsed(admission.event)) };
  const codes = new Set<string>();
  for (const { field, code, detail } of admission.faults) {
    expect(Object.keys(INGEST_ERRORS)).toContain(code);
    expect(detail).toMatch(/^\S.*\.$/s);
    expect(detail.length + field.length).toBeLessThan(2_000);
    codes.add(SHAPE.includes(code) ? code : `${field}: ${code}`);
  }
  // Deep places hide what lies within them.
  if (codes.has('too_deep')) codes.delete('number_out_of_range');
  return { end: 'quarantined', faults: [...codes].toSorted() };
}

function parsed(event: StoredEvent) {
  return { ...event, properties: JSON.parse(event.properties) as JsonObject, traits: JSON.parse(event.traits) as JsonObject };
}

/** Only what the model speaks of, its documents as texts that mean the same when they are the same; + 0 makes 0 of -0. */
function plain(event: ReturnType<typeof parsed> | (Extract<ReturnType<typeof atTheDoor>, { end: 'stored' }>)['event']): object {
  const { eventId, eventName, type, userId, anonymousId, sessionId, groupId, previousId, schemaVersion, sequence, timeMs, originalTimeMs, properties, traits } = event;
  return { eventId, eventName, type, userId, anonymousId, sessionId, groupId, previousId, schemaVersion, sequence: sequence + 0, timeMs, originalTimeMs: originalTimeMs + 0, properties: meaningOf(properties), traits: meaningOf(traits) };
}

/** N: what the client says itself always holds, but for its address; only what it leaves open is filled. */
function expectContext(event: StoredEvent, sent: JsonObject): void {
  const stored = JSON.parse(event.context) as JsonObject;
  const said = isObject(sent['context']) ? sent['context'] : {};
  expect(Object.hasOwn(stored, 'ip')).toBe(false);
  // Keys whose halves of characters were mended may have met: the last holds.
  const members = new Map(Object.entries(said).map(([name, value]) => [name.toWellFormed(), value]));
  for (const [name, value] of members) {
    if (name === 'ip') continue;
    expect(Object.hasOwn(stored, name), name).toBe(true);
    if (isNone(value)) continue;
    const kept = stored[name]!;
    if (!isObject(value) || !isObject(kept)) expect(meaningOf(kept)).toBe(meaningOf(value));
    else {
      const inner = new Map(Object.entries(value).map(([key, child]) => [key.toWellFormed(), child]));
      for (const [key, child] of inner) if (!isNone(child)) expect(meaningOf(kept[key] ?? null), `${name}.${key}`).toBe(meaningOf(child));
    }
  }
}

/** The row says the same, in whole characters. */
function expectRow(event: StoredEvent): void {
  const writer = new RowWriter();
  writer.write(event);
  const read = readRow(writer.take());
  expect(read).toEqual({ ...mended(event), sequence: event.sequence + 0, originalTimeMs: event.originalTimeMs + 0, offset: 0 });
  for (const json of [read.properties, read.context, read.traits]) expect(isObject(JSON.parse(json) as JsonValue)).toBe(true);
}

function mended(event: StoredEvent): StoredEvent {
  return Object.fromEntries(Object.entries(event).map(([name, value]) => [name, typeof value === 'string' ? value.toWellFormed() : value])) as unknown as StoredEvent;
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isNone(value: JsonValue | undefined): boolean {
  return value === undefined || value === null || value === '';
}
