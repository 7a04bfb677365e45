import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeEvent } from './decode.ts';
import type { EventDefaults } from './decode.ts';
import { EVENT_TYPES } from '../event.ts';
import type { DecodedEvent } from '../event.ts';
import { LIMITS } from '../limits.ts';

const base = { eventId: 'e-1', eventName: 'purchase', userId: 'u456' };

function decoded(value: unknown, defaults?: EventDefaults): DecodedEvent {
  const { event, faults } = decodeEvent(value, defaults);
  if (event === undefined) throw new Error(JSON.stringify(faults));
  return event;
}

function codes(value: unknown): string[] {
  return (decodeEvent(value).faults ?? []).map(({ field, code }) => `${field}: ${code}`);
}

test.each([null, undefined, 1, 'x', true, [], [base]])('E1: %j is no event', (value) => {
  expect(codes(value)).toEqual([': not_an_object']);
});

test('E2, E3, E9: the least an event can be; what is not there is none', () => {
  expect(decoded(base)).toEqual({
    eventId: 'e-1',
    eventName: 'purchase',
    userId: 'u456',
    anonymousId: '',
    sessionId: '',
    groupId: '',
    previousId: '',
    schemaVersion: '',
    timestampMs: undefined,
    sentAtMs: undefined,
    sequence: undefined,
    type: 'track',
    properties: {},
    context: {},
    traits: {},
  });
  expect(codes({})).toEqual(['eventId: missing_event_id', 'eventName: missing_event_name', 'userId: missing_identity']);
});

test('E3: messageId and event are taken for eventId and eventName when those are absent', () => {
  expect(decoded({ messageId: 'm-1', event: 'Order Completed', userId: 'u456' })).toMatchObject({
    eventId: 'm-1',
    eventName: 'Order Completed',
  });
  expect(decoded({ ...base, messageId: 'm-1', event: 'x' })).toMatchObject({ eventId: 'e-1', eventName: 'purchase' });
});

test('E4: null, "" and absent all mean none, in every field that may be absent', () => {
  const optional = [
    'anonymousId',
    'sessionId',
    'groupId',
    'previousId',
    'schemaVersion',
    'timestamp',
    'sentAt',
    'sequence',
    'type',
    'properties',
    'context',
    'traits',
  ];
  for (const none of [null, '', undefined]) {
    expect(decoded({ ...base, ...Object.fromEntries(optional.map((field) => [field, none])) })).toEqual(decoded(base));
  }
  expect(codes({ ...base, userId: null, anonymousId: '' })).toEqual(['userId: missing_identity']);
});

describe('E5: ids', () => {
  test.each([
    'null',
    'undefined',
    '[object Object]',
    'NaN',
    'true',
    'false',
    '0',
    'anonymous',
    'guest',
    'NULL',
    ' guest ',
    'guest ',
    'null\t',
    '   ',
    '\t',
    `${' '.repeat(50)}guest`,
  ])('%j is nobody', (id) => {
    for (const field of ['eventId', 'userId', 'anonymousId', 'sessionId', 'groupId', 'previousId']) {
      expect(codes({ ...base, [field]: id })).toEqual([`${field}: illegal_id`]);
    }
  });

  test.each([
    'u456',
    '42',
    'guest-42',
    'anonymous_7',
    '00',
    'nullable',
    'José 🦊',
    'a@example.com',
    `${'x'.repeat(255)}y`,
  ])('%j is somebody', (id) => {
    expect(decoded({ ...base, userId: id }).userId).toBe(id);
  });

  test('are text: numbers would lose digits, and two users would become one', () => {
    expect(codes({ ...base, userId: 123 })).toEqual(['userId: wrong_type']);
    expect(codes({ ...base, userId: {}, anonymousId: ['a'], sessionId: true })).toEqual([
      'userId: wrong_type',
      'anonymousId: wrong_type',
      'sessionId: wrong_type',
    ]);
  });

  test('have a length, in characters', () => {
    expect(decoded({ ...base, eventId: '🦊'.repeat(200) }).eventId).toHaveLength(400);
    expect(codes({ ...base, eventId: 'x'.repeat(201) })).toEqual(['eventId: too_long']);
    expect(codes({ ...base, userId: 'x'.repeat(LIMITS.maxIdLength + 1) })).toEqual(['userId: too_long']);
    expect(codes({ ...base, eventName: 'x'.repeat(201) })).toEqual(['eventName: too_long']);
  });

  test('and names are whole characters', () => {
    expect(codes({ ...base, userId: 'a\ud800', eventName: '\udc00' })).toEqual([
      'eventName: invalid_unicode',
      'userId: invalid_unicode',
    ]);
  });
});

test('E6: calls without a name have one of their own; track has none', () => {
  const nameless = { eventId: 'e-1', userId: 'u456', groupId: 'g-1', previousId: 'p-1' };
  const names = EVENT_TYPES.slice(1).map((type) => decoded({ ...nameless, type }).eventName);
  expect(names).toEqual(['page_view', 'screen_view', 'identify', 'group', 'alias']);
  expect(decoded({ ...nameless, type: 'page', eventName: 'Home' }).eventName).toBe('Home');
  expect(codes({ ...nameless, eventName: '  ' })).toEqual(['eventName: missing_event_name']);
});

test('E7: the type is one of six; a route may say it for its events', () => {
  expect(codes({ ...base, type: 'Track' })).toEqual(['type: unknown_type']);
  expect(codes({ ...base, type: 7 })).toEqual(['type: unknown_type']);
  expect(decoded({ eventId: 'e-1', userId: 'u456' }, { type: 'page' })).toMatchObject({
    type: 'page',
    eventName: 'page_view',
  });
});

test('E8: traits come as traits, as properties.$set, or for identify in the context', () => {
  const traits = { plan: 'pro' };
  expect(decoded({ ...base, traits }).traits).toEqual(traits);
  expect(decoded({ ...base, properties: { $set: traits } }).traits).toEqual(traits);
  expect(decoded({ ...base, properties: { $set: { plan: 'free', age: 7 } }, traits }).traits).toEqual({
    plan: 'pro',
    age: 7,
  });
  expect(decoded({ ...base, type: 'identify', context: { traits } }).traits).toEqual(traits);
  expect(decoded({ ...base, context: { traits } }).traits).toEqual({});
});

test('E9: a group needs its group, an alias its previous id', () => {
  expect(codes({ ...base, type: 'group' })).toEqual(['groupId: missing_group_id']);
  expect(codes({ ...base, type: 'alias' })).toEqual(['previousId: missing_previous_id']);
  expect(codes({ ...base, type: 'alias', previousId: 'null' })).toEqual(['previousId: illegal_id']);
});

test('E10: sequence counts from 0 in whole numbers; a version may be one', () => {
  expect(decoded({ ...base, sequence: 0 }).sequence).toBe(0);
  for (const sequence of [-1, 1.5, '1', 2 ** 53])
    expect(codes({ ...base, sequence })).toEqual(['sequence: wrong_type']);
  expect(decoded({ ...base, schemaVersion: 2 }).schemaVersion).toBe('2');
  expect(codes({ ...base, schemaVersion: 2.5 })).toEqual(['schemaVersion: wrong_type']);
});

test('E15: every reason is told at once, each with its field', () => {
  const value = {
    userId: '0',
    timestamp: '2026-02-30T00:00:00Z',
    sentAt: 'x',
    properties: [],
    context: 'x',
    traits: 1,
    sequence: -1,
    type: 'click',
  };
  expect(codes(value)).toEqual([
    'type: unknown_type',
    'properties: wrong_type',
    'context: wrong_type',
    'userId: illegal_id',
    'timestamp: invalid_timestamp',
    'sentAt: invalid_timestamp',
    'sequence: wrong_type',
    'traits: wrong_type',
    'eventId: missing_event_id',
    'eventName: missing_event_name',
  ]);
});

test('T4: sentAt of the batch holds for events that have none', () => {
  const sentAt = '2026-05-03T10:00:00Z';
  expect(decoded(base, { sentAt }).sentAtMs).toBe(Date.parse(sentAt));
  expect(decoded({ ...base, sentAt: 1_700_000_000_000 }, { sentAt }).sentAtMs).toBe(1_700_000_000_000);
});

test('whatever JSON comes, the answer is an event or reasons, and the value is left as it was', () => {
  const field = fc.oneof(fc.constantFrom(...Object.values(base)), fc.jsonValue());
  const nearly = fc.record(
    {
      eventId: field,
      eventName: field,
      userId: field,
      anonymousId: field,
      sessionId: field,
      timestamp: field,
      sentAt: field,
      sequence: field,
      type: fc.oneof(fc.constantFrom(...EVENT_TYPES), field),
      schemaVersion: field,
      groupId: field,
      previousId: field,
      properties: fc.oneof(fc.object(), field),
      context: fc.oneof(fc.object(), field),
      traits: field,
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.oneof(nearly, fc.jsonValue()), (value) => {
      const before = JSON.stringify(value);
      const { event, faults } = decodeEvent(value);
      expect((event === undefined) !== (faults === undefined)).toBe(true);
      if (event !== undefined)
        expect(event.eventId !== '' && event.eventName !== '' && event.userId + event.anonymousId !== '').toBe(true);
      for (const fault of faults ?? []) expect(fault.detail).toMatch(/\.$/);
      expect(JSON.stringify(value)).toBe(before);
    }),
    { numRuns: 500 },
  );
});
