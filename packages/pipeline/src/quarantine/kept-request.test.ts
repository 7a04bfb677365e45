import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createAdmission } from '../create-admission.ts';
import { factsOfReplay } from './kept-request.ts';
import { CHROME_ON_WINDOWS, RECEIVED_AT_MS, request } from '../testing.ts';

const COUNTRIES: Record<string, string> = { '203.0.113.7': 'DE', '198.51.100.9': 'FR', '2001:db8:1:2::3': 'PL' };
const steps = createAdmission({ countryOf: (address) => COUNTRIES[address] ?? '' });
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

const facts = fc.record(
  {
    ip: fc.constantFrom('203.0.113.7', '2001:db8:1:2::3', '::ffff:198.51.100.9', 'nonsense'),
    userAgent: fc.constantFrom(CHROME_ON_WINDOWS, 'Googlebot/2.1 (+http://www.google.com/bot.html)', `${CHROME_ON_WINDOWS} ${'x'.repeat(600)}`, '\ud800'),
    fromBrowser: fc.boolean(),
    sentAt: fc.constantFrom<unknown>(RECEIVED_AT_MS - 5 * HOUR_MS, new Date(RECEIVED_AT_MS + 300_000).toISOString(), null, '', new Date(RECEIVED_AT_MS).toISOString()),
    clockMs: fc.constant(RECEIVED_AT_MS - 7 * HOUR_MS),
    imported: fc.boolean(),
    settings: fc.record({ ip: fc.constantFrom('drop' as const, 'truncate' as const, 'keep' as const) }),
  },
  { requiredKeys: ['fromBrowser', 'imported', 'settings'] },
);
const event = fc.record(
  {
    timestamp: fc.integer({ min: RECEIVED_AT_MS - 3 * DAY_MS, max: RECEIVED_AT_MS + DAY_MS }),
    sentAt: fc.constant(RECEIVED_AT_MS - HOUR_MS),
    context: fc.record(
      { ip: fc.constantFrom('198.51.100.9', ''), direct: fc.boolean(), userAgent: fc.constantFrom('', CHROME_ON_WINDOWS), library: fc.constant({ name: '@tidemark/node' }), geo: fc.constantFrom({ country: 'us' }, {}) },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
);

test('R2: an event that is replayed is stored as it would have been when it came, but for its receivedAt', () => {
  fc.assert(
    fc.property(facts, event, fc.nat(100 * DAY_MS), (given, more, laterMs) => {
      const came = request(given);
      const value = { eventId: 'e', eventName: 'buy', userId: 'u', ...more };
      const then = steps.admit(value, came);
      // As the record of the log keeps it.
      const kept = JSON.parse(JSON.stringify(steps.kept(came) ?? {})) as object;
      const item = { project: came.project, source: came.source, receivedAtMs: came.receivedAtMs, request: kept };
      const again = steps.admit(value, factsOfReplay(item, { settings: came.settings, valves: [] }, RECEIVED_AT_MS + laterMs));
      if (then.kind === 'store') expect(again).toEqual({ kind: 'store', event: { ...then.event, receivedAtMs: RECEIVED_AT_MS + laterMs } });
      else expect(again).toEqual(then);
    }),
  );
});

test('N1: of the address no more is kept than the project keeps', () => {
  const kept = (ip: 'drop' | 'truncate' | 'keep') => steps.kept(request({ ip: '203.0.113.7', settings: { ip } }));
  expect(kept('drop')).toEqual({ country: 'DE' });
  expect(kept('truncate')).toEqual({ country: 'DE', ip: '203.0.113.0' });
  expect(kept('keep')).toEqual({ country: 'DE', ip: '203.0.113.7' });
  expect(steps.kept(request({ userAgent: 'curl/8', sentAt: { not: 'a time' } }))).toBeUndefined();
});

test('R2: retention counts back from the replay', () => {
  const item = { project: 'p1', source: 'web', receivedAtMs: RECEIVED_AT_MS, request: {} };
  const value = { eventId: 'e', eventName: 'buy', userId: 'u', timestamp: RECEIVED_AT_MS - DAY_MS };
  const at = (days: number) => steps.admit(value, factsOfReplay(item, { settings: request({ settings: { retentionDays: 30 } }).settings, valves: [] }, RECEIVED_AT_MS + days * DAY_MS));
  expect(at(29).kind).toBe('store');
  expect(at(29.1)).toMatchObject({ kind: 'quarantine', faults: [{ code: 'older_than_retention' }] });
});
