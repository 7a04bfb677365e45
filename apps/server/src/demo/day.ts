/** A day of the shop: the same for the same seed, date and size, whenever it is made. */
import { createRandom } from './random.ts';
import type { Random } from './random.ts';
import { shopperOf } from './shopper.ts';
import { visitEvents } from './visit.ts';
import type { DemoEvent, VisitPlan } from './visit.ts';
import { ARRIVALS, BOT_USER_AGENT, SALE_ARRIVAL } from './world.ts';

export interface ShopOptions {
  seed: string;
  visitsPerDay: number;
}

export interface Day {
  events: DemoEvent[];
  /** Of the events, those that a client sends a second time. */
  duplicates: DemoEvent[];
  /** What broken clients send beside them. */
  malformed: unknown[];
}

export const DAY_MS = 86_400_000;
const DUPLICATE_SHARE = 0.02;
const MALFORMED_SHARE = 0.002;
const BOT_SHARE = 0.02;
/** People a shop knows for each visit of a day: most come now and then, a few often. */
const SHOPPERS_PER_VISIT = 12;

/** Visits per hour of the day in UTC, as shares of the busiest. */
const HOURS = [2, 1, 1, 1, 1, 2, 4, 6, 7, 7, 7, 8, 8, 7, 7, 7, 8, 9, 10, 10, 9, 7, 5, 3].map((weight, hour) => ({
  weight,
  hour,
}));

/** @param dayStartMs midnight UTC */
export function eventsOfDay(dayStartMs: number, { seed, visitsPerDay }: ShopOptions): Day {
  const date = new Date(dayStartMs).toISOString().slice(0, 10);
  const random = createRandom(`${seed}/${visitsPerDay}/${date}`);
  const story = storyOf(dayStartMs);
  const visits = Math.round(visitsPerDay * story.traffic * (0.9 + random.next() * 0.2));
  const events: DemoEvent[] = [];
  for (let index = 0; index < visits; index++) {
    const startMs = dayStartMs + random.weighted(HOURS).hour * 3_600_000 + random.below(3_600_000);
    const id = `demo-${date}-${index}`;
    const visit = planVisit(id, startMs, { seed, visitsPerDay }, random);
    events.push(...(random.chance(BOT_SHARE) ? botVisit(id, startMs, random) : visitEvents(visit, random)));
  }
  return {
    events,
    duplicates: events.filter(() => random.chance(DUPLICATE_SHARE)),
    malformed: Array.from({ length: Math.round(events.length * MALFORMED_SHARE) }, (_, index) =>
      malformedEvent(`demo-${date}-bad-${index}`, random),
    ),
  };
}

/** A visit by somebody of the shop's people: the small numbers come often. */
export function planVisit(id: string, startMs: number, { seed, visitsPerDay }: ShopOptions, random: Random): VisitPlan {
  const story = storyOf(startMs);
  const number = Math.floor(random.next() ** 2 * visitsPerDay * SHOPPERS_PER_VISIT);
  const arrival = random.weighted(story.sale ? [...ARRIVALS, SALE_ARRIVAL] : ARRIVALS);
  return { id, shopper: shopperOf(seed, number), arrival, startMs, paymentBug: story.paymentBug };
}

/** What there is to find: weekends are quieter, a sale on the 20th and 21st, a broken payment page from the 9th to the 11th. */
function storyOf(timeMs: number): { traffic: number; sale: boolean; paymentBug: boolean } {
  const date = new Date(timeMs);
  const day = date.getUTCDate();
  const weekend = date.getUTCDay() === 0 || date.getUTCDay() === 6;
  const sale = day === 20 || day === 21;
  return { traffic: (weekend ? 0.8 : 1) * (sale ? 1.6 : 1), sale, paymentBug: day >= 9 && day <= 11 };
}

function botVisit(id: string, startMs: number, random: Random): DemoEvent[] {
  return Array.from({ length: 1 + random.below(6) }, (_, index) => ({
    eventId: `${id}-bot-${index}`,
    eventName: 'page_view',
    type: 'page',
    anonymousId: `${id}-bot`,
    timestamp: new Date(startMs + index * 2_000).toISOString(),
    context: { userAgent: BOT_USER_AGENT, page: { path: `/product/${index}` } },
  }));
}

/** Things that clients really get wrong. */
export function malformedEvent(eventId: string, random: Random): unknown {
  return random.pick<() => unknown>([
    () => ({ eventId, anonymousId: 'demo-device-bad', properties: { note: 'no name' } }),
    () => ({ eventId, eventName: 'purchase', userId: 'undefined' }),
    () => ({ eventId, eventName: 'view_product' }),
    () => ({ eventId, eventName: 'purchase', userId: 'demo-customer-1', timestamp: '2026-02-30T10:00:00Z' }),
    () => ({ eventId, eventName: 'purchase', userId: 'demo-customer-1', properties: ['price', 10] }),
  ])();
}
