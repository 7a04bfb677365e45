import type { ValveRule } from '@tidemark/control';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RequestFacts } from './admission.ts';
import { stopByValve } from './valves.ts';

const RECEIVED_AT_MS = Date.UTC(2026, 0, 2);

function facts(...valves: Partial<ValveRule>[]): RequestFacts {
  return {
    project: 'shop',
    source: 'web',
    settings: { bots: 'flag', ip: 'drop', retentionDays: null, consentCategory: 'analytics' },
    receivedAtMs: RECEIVED_AT_MS,
    sentAt: undefined,
    ip: undefined,
    userAgent: undefined,
    fromBrowser: false,
    valves: valves.map((valve, at) => ({ id: `v${at}`, action: 'quarantine', ratio: 1, ...valve })),
  };
}
const bytesOf = (value: unknown) => () => Buffer.from(JSON.stringify(value));
const stop = (value: unknown, ...valves: Partial<ValveRule>[]) => stopByValve(value, facts(...valves), bytesOf(value));

test.each([
  ['the version', { context: { appVersion: '9.9.9' } }, true],
  ['the version as Segment has it', { context: { app: { version: '9.9.9' } } }, true],
  ['a malformed event whose version can be read', { eventId: 5, eventName: [], userId: {}, context: { appVersion: '9.9.9' } }, true],
  ['another version', { context: { appVersion: '9.9.8' } }, false],
  ['a longer version', { context: { appVersion: '9.9.9.1' } }, false],
  ['a version that is no text', { context: { appVersion: 9.9 } }, false],
  ['a context that is none', { context: '9.9.9' }, false],
  ['no context', {}, false],
  ['no object', '9.9.9', false],
  ['a list', [{ context: { appVersion: '9.9.9' } }], false],
  ['null', null, false],
])('V1: a valve for a version and %s', (_what, value, stopped) => {
  expect(stop(value, { appVersion: '9.9.9' }) !== undefined).toBe(stopped);
});

test.each([
  [{ eventName: 'screen_view' }, true],
  [{ event: 'screen_view' }, true],
  [{ type: 'screen' }, true],
  [{ type: 'screen', eventName: ' ', event: '' }, true],
  [{ type: 'screen', eventName: 'home' }, false],
  [{ type: '__proto__' }, false],
  [{ eventName: 'Screen_view' }, false],
])('V1: a valve for a name and %j', (value, stopped) => {
  expect(stop(value, { eventName: 'screen_view' }) !== undefined).toBe(stopped);
});

test('V4: what is stopped is kept or counted, and told with the id it has', () => {
  const event = { messageId: 'e1', eventName: 'x', context: { appVersion: '9' } };
  const quarantined = stop(event, { appVersion: '9', eventName: 'x' });
  expect(quarantined).toMatchObject({ kind: 'quarantine', eventId: 'e1', eventName: 'x', valve: 'v0', faults: [{ field: 'context.appVersion', code: 'valve' }] });
  expect(stop(event, { eventName: 'x', action: 'drop' })).toMatchObject({ kind: 'reject', eventId: 'e1', valve: 'v0', fault: { field: 'eventName', code: 'valve' } });
});

test('V1: what is too large to be kept is not for a valve to keep', () => {
  const event = { eventId: 'e1', context: { appVersion: '9' }, properties: { text: 'x'.repeat(70_000) } };
  expect(stop(event, { appVersion: '9' })).toBeUndefined();
});

test('V3: a valve ends with its time', () => {
  const event = { eventId: 'e1', context: { appVersion: '9' } };
  expect(stop(event, { appVersion: '9', expiresAtMs: RECEIVED_AT_MS + 1 })).toBeDefined();
  expect(stop(event, { appVersion: '9', expiresAtMs: RECEIVED_AT_MS })).toBeUndefined();
});

test('V5: the oldest valve that stops an event has it', () => {
  const event = { eventId: 'e1', eventName: 'x', context: { appVersion: '9' } };
  const valves = [{ appVersion: '8' }, { eventName: 'x', ratio: 0 }, { eventName: 'x' }, { appVersion: '9' }];
  expect(stop(event, ...valves)).toMatchObject({ valve: 'v2' });
});

test('V2: copies have one fate whatever else they carry, and a higher ratio stops those of a lower one and more', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }), fc.jsonValue(), (eventId, a, b, properties) => {
      const first = { eventId, eventName: 'x' };
      const copy = { sentAt: 1, eventName: 'x', properties, messageId: eventId };
      const [low, high] = a < b ? [a, b] : [b, a];
      const stopped = (event: object, ratio: number) => stop(event, { eventName: 'x', ratio }) !== undefined;
      expect(stopped(first, low)).toBe(stopped(copy, low));
      if (stopped(first, low)) expect(stopped(first, high)).toBe(true);
    }),
  );
});

test.each([0, 0.1, 0.5, 0.9, 1])('V2: a ratio of %d stops that share, of events with ids and of those without', (ratio) => {
  const share = (events: object[]) => events.filter((event) => stop(event, { eventName: 'x', ratio })).length / events.length;
  const withIds = Array.from({ length: 4_000 }, (_, n) => ({ eventName: 'x', eventId: `id-${n}` }));
  const withoutIds = Array.from({ length: 4_000 }, (_, n) => ({ eventName: 'x', eventId: n }));
  for (const events of [withIds, withoutIds]) expect(Math.abs(share(events) - ratio)).toBeLessThan(0.04);
});
