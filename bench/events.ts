/**
 * Batches of 1 KB events for load. Each body is made once, and before each sending only its ids and times are written
 * anew in place: the generator shares two cores with what it measures and must cost next to nothing.
 */
import { randomFillSync } from 'node:crypto';

const ID = 'ffffffff-ffff-4fff-8fff-ffffffffffff';
const TIME = '2000-01-01T00:00:00.000Z';
const NAMES = ['page_view', 'product_viewed', 'click', 'search', 'add_to_cart', 'checkout_started', 'payment', 'purchase'];

export class BatchTemplate {
  readonly events: number;
  readonly #bytes: Buffer;
  readonly #idSlots: number[] = [];
  readonly #timeSlots: number[] = [];
  readonly #random: Buffer;

  constructor(seed: number, events: number) {
    this.events = events;
    const list = Array.from({ length: events }, (_, index) => event(seed * events + index));
    this.#bytes = Buffer.from(JSON.stringify({ sentAt: TIME, events: list }));
    for (let at = this.#bytes.indexOf(ID); at !== -1; at = this.#bytes.indexOf(ID, at + 36)) this.#idSlots.push(at);
    for (let at = this.#bytes.indexOf(TIME); at !== -1; at = this.#bytes.indexOf(TIME, at + 24)) this.#timeSlots.push(at);
    this.#random = Buffer.alloc(16 * events);
  }

  /** The body with fresh random ids and the time of now; valid until the next call. */
  fill(nowMs: number): Buffer {
    randomFillSync(this.#random);
    const hex = this.#random.toString('hex');
    for (const [index, at] of this.#idSlots.entries()) {
      const from = index * 32;
      this.#bytes.write(hex.slice(from, from + 8), at, 'latin1');
      this.#bytes.write(hex.slice(from + 8, from + 12), at + 9, 'latin1');
      this.#bytes.write(hex.slice(from + 13, from + 16), at + 15, 'latin1');
      this.#bytes.write(hex.slice(from + 17, from + 20), at + 20, 'latin1');
      this.#bytes.write(hex.slice(from + 20, from + 32), at + 24, 'latin1');
    }
    const time = new Date(nowMs).toISOString();
    for (const at of this.#timeSlots) this.#bytes.write(time, at, 'latin1');
    return this.#bytes;
  }
}

function event(number: number) {
  const person = (number * 7919) % 20_000;
  const product = (number * 31) % 1_000;
  return {
    eventId: ID,
    eventName: NAMES[number % NAMES.length],
    ...(person % 3 === 0 ? { userId: `user-${person}` } : {}),
    anonymousId: `0b9d2c7e-5a41-4c3e-9f10-${String(person).padStart(12, '0')}`,
    sessionId: `s-${person}-${number % 5}`,
    timestamp: TIME,
    sequence: number,
    type: 'track',
    properties: {
      product_id: `sku-${product}`,
      name: `Product number ${product} in a fine colour`,
      category: ['shoes', 'shirts', 'bags', 'hats'][product % 4],
      price: (product % 300) + 0.99,
      currency: 'EUR',
      quantity: (number % 3) + 1,
      position: number % 40,
      list: 'search results',
      in_stock: product % 5 !== 0,
    },
    context: {
      appVersion: `4.${product % 10}.0`,
      locale: ['en-US', 'de-DE', 'fr-FR'][person % 3],
      timezone: 'Europe/Berlin',
      userAgent: `Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/1${person % 30}.0.0.0 Safari/537.36`,
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
