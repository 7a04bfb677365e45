/**
 * One visit to the shop: arrive, look around, perhaps fill a cart, perhaps pay.
 *
 *     page_view ─> [search] ─> view_product … ─> add_to_cart … ─> checkout_started ─> [login] ─> payment_submitted ─> purchase
 */
import type { Random } from './random.ts';
import type { Shopper } from './shopper.ts';
import { IPHONE, PRODUCTS, SEARCHES } from './world.ts';
import type { Arrival, Product } from './world.ts';

export type DemoEvent = Record<string, unknown>;

export interface VisitPlan {
  /** Starts the ids of its events. */
  id: string;
  shopper: Shopper;
  arrival: Arrival;
  startMs: number;
  /** On the days of the planted bug, payments from an iPhone's browser fail. */
  paymentBug: boolean;
}

const SITE = 'https://demo-shop.example';

/** The events of the visit in order, each with its time. */
export function visitEvents({ id, shopper, arrival, startMs, paymentBug }: VisitPlan, random: Random): DemoEvent[] {
  const { device, anonymousId } = random.pick(shopper.devices);
  const events: DemoEvent[] = [];
  let timeMs = startMs;
  let loggedIn = shopper.userId !== undefined && random.chance(0.3);
  const arriving = { referrer: arrival.referrer ?? '', search: arrival.query ? `?${arrival.query}` : '' };

  const add = (eventName: string, path: string, properties: object = {}, more: object = {}): void => {
    const inApp = device.appVersion !== undefined;
    const search = events.length === 0 ? arriving.search : '';
    const page = {
      path,
      url: SITE + path + search,
      ...(search && { search }),
      ...(events.length === 0 && { referrer: arriving.referrer }),
    };
    events.push({
      eventId: `${id}-${String(events.length + 1).padStart(2, '0')}`,
      eventName,
      ...(loggedIn ? { userId: shopper.userId } : {}),
      anonymousId,
      sessionId: id,
      timestamp: new Date(timeMs).toISOString(),
      properties: { platform: device.platform, ...properties },
      context: {
        userAgent: device.userAgent,
        ip: shopper.ip,
        locale: shopper.locale,
        ...(inApp ? { appVersion: device.appVersion, screen: { name: path } } : { page }),
      },
      ...more,
    });
    timeMs += Math.round(Math.min(random.skewed(18_000), 20 * 60_000));
  };
  const view = (path: string): void =>
    add(device.appVersion ? 'screen_view' : 'page_view', path, {}, { type: device.appVersion ? 'screen' : 'page' });
  const goesOn = (probability: number): boolean =>
    random.chance(Math.min(0.97, probability * Math.sqrt(device.ease * arrival.intent * shopper.readiness)));

  view(arrival.query?.includes('big_sale') ? '/sale' : random.pick(['/', '/', '/', '/tea', '/coffee']));
  if (!goesOn(0.72)) return events;
  if (random.chance(0.3)) add('search', '/search', { query: random.pick(SEARCHES), results: random.below(12) });

  const cart: Product[] = [];
  const cartId = `${id}-cart`;
  for (let looks = 0; looks < 8 && (looks === 0 || random.chance(0.6)); looks++) {
    const product = random.pick(PRODUCTS);
    const seen = { sku: product.sku, name: product.name, category: product.category, price: product.price };
    add('view_product', `/product/${product.sku}`, seen);
    if (!goesOn(0.13)) continue;
    cart.push(product);
    add('add_to_cart', `/product/${product.sku}`, { ...seen, cart_id: cartId, quantity: 1 + random.below(2) });
  }
  if (cart.length === 0 || !goesOn(0.55)) return events;

  const total = Math.round(cart.reduce((sum, { price }) => sum + price, 0) * 100) / 100;
  const order = { cart_id: cartId, total, currency: 'EUR', items: cart.length };
  add('checkout_started', '/checkout', order);
  if (shopper.userId !== undefined && !loggedIn) {
    loggedIn = true;
    add('identify', '/login', {}, { type: 'identify', traits: { plan: shopper.number % 5 === 0 ? 'club' : 'basic' } });
  }
  if (!goesOn(0.74)) return events;
  const method = random.pick(['card', 'card', 'paypal', 'invoice']);
  add('payment_submitted', '/payment', { ...order, method });
  if (paymentBug && device.userAgent === IPHONE && device.appVersion === undefined && random.chance(0.8)) {
    add('payment_failed', '/payment', { ...order, method, reason: 'button_not_responding' });
  } else if (random.chance(0.04)) {
    add('payment_failed', '/payment', { ...order, method, reason: 'declined' });
  } else {
    add('purchase', '/thanks', {
      ...order,
      method,
      order_id: `${id}-order`,
      products: cart.map(({ sku, price }) => ({ sku, price })),
    });
  }
  return events;
}
