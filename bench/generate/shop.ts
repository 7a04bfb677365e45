/**
 * The events of the load: a shop's, about 1 KB each. People and products are drawn with a skew, as real ones are, so
 * that compression and sorting meet what they would meet outside.
 */
export const ID = 'ffffffff-ffff-4fff-8fff-ffffffffffff';
export const TIME = '2000-01-01T00:00:00.000Z';

const PEOPLE = 20_000;
const PRODUCTS = 1_000;
const NAMES = ['page_view', 'product_viewed', 'click', 'search', 'add_to_cart', 'checkout_started', 'payment', 'purchase'];
const CATEGORIES = ['shoes', 'shirts', 'bags', 'hats'];
const WORDS = ['fine', 'red', 'linen', 'summer', 'winter', 'soft', 'classic', 'travel', 'wool', 'leather', 'small', 'wide'];

export function drawEvent(number: number) {
  const random = sequence(number);
  const person = skewed(random(), PEOPLE);
  const product = skewed(random(), PRODUCTS);
  const word = (): string => WORDS[Math.floor(random() * WORDS.length)]!;
  return {
    eventId: ID,
    eventName: NAMES[Math.floor(random() * NAMES.length)]!,
    ...(person % 3 === 0 ? { userId: `user-${person}` } : {}),
    anonymousId: anonymousIdOf(person),
    sessionId: `s-${person}-${Math.floor(random() * 5)}`,
    timestamp: TIME,
    sequence: number,
    type: 'track',
    properties: {
      product_id: `sku-${product}`,
      name: `Product number ${product} in a ${word()} colour`,
      category: CATEGORIES[product % 4],
      price: (product % 300) + 0.99,
      currency: 'EUR',
      quantity: Math.floor(random() * 3) + 1,
      position: Math.floor(random() * 40),
      list: `${word()} ${word()} results`,
      in_stock: product % 5 !== 0,
    },
    context: {
      appVersion: `4.${product % 10}.0`,
      locale: ['en-US', 'de-DE', 'fr-FR'][person % 3],
      timezone: 'Europe/Berlin',
      userAgent: `Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/1${10 + (person % 30)}.0.0.0 Safari/537.36`,
      page: {
        url: `https://shop.example/products/${product}?utm_source=newsletter&utm_medium=email&utm_campaign=spring`,
        path: `/products/${product}`,
        title: `Product number ${product}`,
        referrer: 'https://www.google.com/',
      },
      screen: { width: 1920, height: 1080, density: 2 },
      library: { name: 'tidemark-js', version: '1.0.0' },
    },
  };
}

/** The id that the timeline knows an event's person by. */
export function personOf(event: { anonymousId: string }): string {
  return event.anonymousId;
}

function anonymousIdOf(person: number): string {
  return `0b9d2c7e-5a41-4c3e-9f10-${String(person).padStart(12, '0')}`;
}

/** Few are frequent, most are rare: the square of a uniform draw. */
function skewed(uniform: number, count: number): number {
  return Math.floor(uniform * uniform * count);
}

/** mulberry32: the same numbers for the same seed. */
function sequence(seed: number): () => number {
  let state = (seed + 1) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}
