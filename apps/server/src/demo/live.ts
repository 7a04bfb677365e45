/** Traffic as it happens: visits begin at random, their events are sent when their time has come. */
import { createRandom } from './random.ts';
import { malformedEvent, planVisit } from './day.ts';
import type { ShopOptions } from './day.ts';
import { visitEvents } from './visit.ts';

export interface LiveTraffic {
  /** What clients send from the last call until `nowMs`. */
  until(nowMs: number): unknown[];
}

interface Due {
  atMs: number;
  event: unknown;
}

/** Measured over the shop's days; turns events a second into visits a second. */
const EVENTS_PER_VISIT = 4.5;
const LATE_SHARE = 0.03;
const DUPLICATE_SHARE = 0.02;
const MALFORMED_SHARE = 0.005;

/** @param startMs begins the traffic; also tells its ids from those of another run */
export function liveTraffic(startMs: number, eventsPerSecond: number, options: ShopOptions): LiveTraffic {
  const random = createRandom(`${options.seed}/live/${startMs}`);
  const visitsPerMs = eventsPerSecond / EVENTS_PER_VISIT / 1000;
  let waiting: Due[] = [];
  let visits = 0;
  let nextVisitMs = startMs;

  function addVisit(atMs: number): void {
    const id = `demo-live-${startMs}-${++visits}`;
    // A device that was offline sends its whole visit when it is back.
    const lateMs = random.chance(LATE_SHARE) ? 60_000 + random.below(3 * 3_600_000) : 0;
    const events = visitEvents(planVisit(id, atMs - lateMs, options, random), random);
    for (const event of events) {
      const dueMs = Math.max(atMs, Date.parse(String(event['timestamp'])));
      waiting.push({ atMs: dueMs, event });
      if (random.chance(DUPLICATE_SHARE)) waiting.push({ atMs: dueMs + random.below(60_000), event });
    }
    if (random.chance(MALFORMED_SHARE * EVENTS_PER_VISIT))
      waiting.push({ atMs, event: malformedEvent(`${id}-bad`, random) });
  }

  return {
    until(nowMs) {
      // Exponential gaps make the visits a Poisson process, as arrivals of people are.
      for (; nextVisitMs <= nowMs; nextVisitMs += -Math.log(1 - random.next()) / visitsPerMs) addVisit(nextVisitMs);
      const due = waiting.filter(({ atMs }) => atMs <= nowMs).sort((a, b) => a.atMs - b.atMs);
      waiting = waiting.filter(({ atMs }) => atMs > nowMs);
      return due.map(({ event }) => event);
    },
  };
}
