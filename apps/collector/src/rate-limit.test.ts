import fc from 'fast-check';
import { expect, it } from 'vitest';
import { KeyRates } from './rate-limit.ts';
import { GRANT } from './testing/server.ts';

it('lets through the rate over time, whatever the sizes and pauses of the requests', () => {
  const step = fc.record({ events: fc.integer({ min: 1, max: 200 }), pauseMs: fc.integer({ min: 0, max: 3_000 }) });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 500 }),
      fc.array(step, { minLength: 1, maxLength: 80 }),
      (perSecond, steps) => {
        let nowMs = 0;
        const grant = { ...GRANT, limits: { eventsPerSecond: perSecond, bytesPerSecond: null } };
        const rates = new KeyRates(() => nowMs);
        let admitted = 0;
        let last = 0;
        for (const { events, pauseMs } of steps) {
          nowMs += pauseMs;
          if (rates.retryAfterSeconds('k', grant) > 0) continue;
          rates.spend('k', grant, events, 0);
          admitted += events;
          last = events;
        }
        // One second's allowance at the start, the rate ever since, and the request that went into debt.
        expect(admitted - last).toBeLessThanOrEqual(perSecond + (nowMs / 1000) * perSecond);
      },
    ),
  );
});

it('tells a time after which the key is let in', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.01, max: 1_000, noNaN: true }),
      fc.integer({ min: 1, max: 2_000 }),
      (perSecond, events) => {
        let nowMs = 0;
        const grant = { ...GRANT, limits: { eventsPerSecond: perSecond, bytesPerSecond: null } };
        const rates = new KeyRates(() => nowMs);
        rates.retryAfterSeconds('k', grant);
        rates.spend('k', grant, events, 0);
        const seconds = rates.retryAfterSeconds('k', grant);
        if (seconds === 3_600) return;
        // Half a millisecond for the rounding of floats.
        nowMs += seconds * 1000 + 0.5;
        expect(rates.retryAfterSeconds('k', grant)).toBe(0);
      },
    ),
  );
});

it('takes a changed limit at once, and a key with limit 0 never', () => {
  let nowMs = 0;
  const rates = new KeyRates(() => nowMs);
  const limited = (eventsPerSecond: number | null) => ({ ...GRANT, limits: { eventsPerSecond, bytesPerSecond: null } });
  rates.retryAfterSeconds('k', limited(1));
  rates.spend('k', limited(1), 100, 0);
  expect(rates.retryAfterSeconds('k', limited(1))).toBe(100);
  expect(rates.retryAfterSeconds('k', limited(null))).toBe(0);
  nowMs += 1_000;
  expect(rates.retryAfterSeconds('k', limited(1_000))).toBe(0);
  expect(rates.retryAfterSeconds('z', limited(0))).toBe(3_600);
});
