/** A realistic week of a small shop, made from a seed: who visits on which devices, logs in, comes back, buys. */
import type { Asked } from './questions.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const START_MS = Date.UTC(2026, 4, 1);
const DAYS = 7;
const SOURCES = ['search', 'mail', 'direct', 'social'];
const ITEMS = ['tea', 'coffee', 'cup', 'kettle', 'sieve'];

/** `count` events as an import brings them, in the order of the visits. `random` gives numbers from 0 to 1. */
export function shopEvents(count: number, random: () => number): Record<string, unknown>[] {
  const whole = (below: number): number => Math.floor(random() * below);
  const events: Record<string, unknown>[] = [];
  while (events.length < count) {
    const visitor = whole(count / 25);
    const device = `device-${visitor}-${random() < 0.8 ? 0 : 1}`;
    // Some computers are shared: the neighbour's first device.
    const anonymousId = random() < 0.03 ? `device-${visitor - (visitor % 2)}-0` : device;
    let userId = visitor % 3 === 0 && random() < 0.5 ? { userId: `user-${visitor}` } : {};
    let timeMs = START_MS + whole(DAYS * DAY_MS);
    const channel = SOURCES[whole(SOURCES.length)]!;
    let sequence = 0;
    const does = (eventName: string, properties: object = {}, more: object = {}): void => {
      timeMs += Math.ceil(random() ** 3 * 4 * MINUTE_MS);
      events.push({
        eventId: `shop-${events.length}`, eventName, anonymousId, ...userId, timestamp: new Date(timeMs).toISOString(), sequence: sequence++,
        properties: { channel, ...properties }, ...more,
      });
    };
    does('view', { page: 'home' });
    for (let views = whole(6); views > 0; views--) does('view', { item: ITEMS[whole(ITEMS.length)] });
    if (random() < 0.4) {
      does('cart', { item: ITEMS[whole(ITEMS.length)], price: whole(5_000) / 100 });
      if (random() < 0.5) {
        userId = { userId: `user-${visitor}` };
        does('login', {}, { type: 'identify', traits: { plan: visitor % 7 === 0 ? 'club' : 'free' } });
      }
      if (random() < 0.6) does('buy', { price: whole(9_000) / 100 });
    }
  }
  return events.slice(0, count);
}

export const SHOP_ASKED: Asked = {
  fromMs: START_MS - DAY_MS,
  toMs: START_MS + (DAYS + 1) * DAY_MS,
  nowMs: START_MS + 60 * DAY_MS,
  steps: ['view', 'cart', 'buy'],
  ids: [0, 1, 3, 30].flatMap((visitor) => [`user-${visitor}`, `device-${visitor}-0`]),
  breakdown: 'properties.channel',
  number: 'properties.price',
  // The model looks at each event for each point.
  granularity: 'day',
};
