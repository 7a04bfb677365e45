import { decodeEvent } from '@tidemark/event';
import { describe, expect, it } from 'vitest';
import { DAY_MS, eventsOfDay } from './day.ts';
import { liveTraffic } from './live.ts';
import { createRandom } from './random.ts';

const SHOP = { seed: 'test', visitsPerDay: 400 };
const MONDAY = Date.UTC(2026, 4, 4);

function days(count: number, from = MONDAY) {
  return Array.from({ length: count }, (_, day) => eventsOfDay(from + day * DAY_MS, SHOP));
}

function usersOf(events: readonly Record<string, unknown>[], name: string, platform?: string): number {
  const matching = events.filter((event) => {
    const properties = event['properties'] as { platform?: string } | undefined;
    return event['eventName'] === name && (platform === undefined || properties?.platform === platform);
  });
  return new Set(matching.map((event) => event['sessionId'])).size;
}

describe('a day of the shop', () => {
  it('is the same every time, and another with another seed or date', () => {
    expect(eventsOfDay(MONDAY, SHOP)).toEqual(eventsOfDay(MONDAY, SHOP));
    expect(eventsOfDay(MONDAY, SHOP).events).not.toEqual(eventsOfDay(MONDAY, { ...SHOP, seed: 'other' }).events);
    expect(eventsOfDay(MONDAY, SHOP).events.length).not.toBe(eventsOfDay(MONDAY + DAY_MS, SHOP).events.length);
  });

  it('has only events that are accepted, each id once, and malformed ones that are not', () => {
    const ids = new Set<string>();
    for (const { events, malformed } of days(14)) {
      for (const event of events) {
        expect(decodeEvent(event).faults).toBeUndefined();
        ids.add(String(event['eventId']));
      }
      for (const event of malformed) expect(decodeEvent(event).faults).toBeDefined();
    }
    expect(ids.size).toBe(days(14).reduce((sum, { events }) => sum + events.length, 0));
  });

  it('has a funnel in which each step loses some, and desktops lose fewer than phones', () => {
    const events = days(28).flatMap((day) => day.events);
    const steps = ['view_product', 'add_to_cart', 'checkout_started', 'payment_submitted', 'purchase'];
    const reached = steps.map((step) => usersOf(events, step));
    for (let at = 1; at < reached.length; at++) expect(reached[at]! / reached[at - 1]!).toBeGreaterThan(0.2);
    for (let at = 1; at < reached.length; at++) expect(reached[at]!).toBeLessThan(reached[at - 1]!);
    const rate = (platform: string) =>
      usersOf(events, 'purchase', platform) / usersOf(events, 'view_product', platform);
    expect(rate('desktop')).toBeGreaterThan(rate('mobile'));
  });

  it('shows the broken payment page on its days', () => {
    const failed = (from: number) =>
      usersOf(
        days(3, from).flatMap((day) => day.events),
        'payment_failed',
        'mobile',
      );
    expect(failed(Date.UTC(2026, 4, 9))).toBeGreaterThan(3 * failed(Date.UTC(2026, 4, 12)));
  });
});

describe('live traffic', () => {
  it('comes at about its rate, no event before its time, some of it late', () => {
    const traffic = liveTraffic(MONDAY, 5, SHOP);
    let count = 0;
    let late = 0;
    for (let nowMs = MONDAY; nowMs < MONDAY + 2 * 3_600_000; nowMs += 1_000) {
      for (const event of traffic.until(nowMs) as Record<string, unknown>[]) {
        count++;
        const { event: decoded } = decodeEvent(event);
        if (!decoded) continue;
        const ageMs = nowMs - decoded.timestampMs!;
        expect(ageMs).toBeGreaterThanOrEqual(0);
        if (ageMs > 10 * 60_000) late++;
      }
    }
    expect(count / 7_200).toBeGreaterThan(3);
    expect(count / 7_200).toBeLessThan(7);
    expect(late).toBeGreaterThan(0);
  });
});

describe('the random generator', () => {
  it('is even enough', () => {
    const random = createRandom('even');
    const counts = [0, 0, 0, 0];
    for (let index = 0; index < 40_000; index++) counts[random.below(4)]!++;
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(400);
  });
});
