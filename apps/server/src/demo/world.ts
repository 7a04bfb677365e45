/** What the demo's shop sells, who comes by which way, and on what device. Weights are shares of visits. */
export interface Product {
  sku: string;
  name: string;
  category: string;
  price: number;
}

export const PRODUCTS: readonly Product[] = [
  { sku: 'TEA-01', name: 'Green tea, 100 g', category: 'tea', price: 8.9 },
  { sku: 'TEA-02', name: 'Earl Grey, 100 g', category: 'tea', price: 7.5 },
  { sku: 'TEA-03', name: 'Oolong, 50 g', category: 'tea', price: 14.2 },
  { sku: 'COF-01', name: 'House espresso, 500 g', category: 'coffee', price: 13.9 },
  { sku: 'COF-02', name: 'Ethiopia filter, 250 g', category: 'coffee', price: 11.5 },
  { sku: 'COF-03', name: 'Decaf, 250 g', category: 'coffee', price: 10.8 },
  { sku: 'GEAR-01', name: 'Hand grinder', category: 'gear', price: 69 },
  { sku: 'GEAR-02', name: 'Glass teapot', category: 'gear', price: 34.5 },
  { sku: 'GEAR-03', name: 'Kettle with scale', category: 'gear', price: 119.99 },
  { sku: 'CUP-01', name: 'Stoneware cup', category: 'cups', price: 18 },
  { sku: 'CUP-02', name: 'Set of four cups', category: 'cups', price: 59.95 },
];

export interface Device {
  weight: number;
  platform: 'desktop' | 'mobile' | 'tablet';
  userAgent: string;
  /** How readily a visit on it goes on, against a desktop's. */
  ease: number;
  /** Set for visits in the shop's app. */
  appVersion?: string;
}

export const IPHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1';

export const DEVICES: readonly Device[] = [
  {
    weight: 30,
    platform: 'desktop',
    ease: 1,
    userAgent:
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36',
  },
  {
    weight: 12,
    platform: 'desktop',
    ease: 1.05,
    userAgent:
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15',
  },
  {
    weight: 6,
    platform: 'desktop',
    ease: 0.95,
    userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0',
  },
  { weight: 20, platform: 'mobile', ease: 0.8, userAgent: IPHONE },
  {
    weight: 17,
    platform: 'mobile',
    ease: 0.75,
    userAgent:
      'Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Mobile Safari/537.36',
  },
  { weight: 9, platform: 'mobile', ease: 1.1, userAgent: IPHONE, appVersion: '4.2.0' },
  {
    weight: 6,
    platform: 'tablet',
    ease: 0.9,
    userAgent:
      'Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1',
  },
];

export const BOT_USER_AGENT = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)';

/** Public name servers, one a country: addresses that are no person's. */
export const PLACES = [
  { weight: 34, ip: '194.25.0.60', locale: 'de-DE' },
  { weight: 16, ip: '158.43.128.1', locale: 'en-GB' },
  { weight: 14, ip: '212.27.40.240', locale: 'fr-FR' },
  { weight: 12, ip: '8.8.8.8', locale: 'en-US' },
  { weight: 9, ip: '193.0.6.139', locale: 'nl-NL' },
  { weight: 8, ip: '195.186.1.111', locale: 'de-CH' },
  { weight: 7, ip: '62.81.16.213', locale: 'es-ES' },
];

export interface Arrival {
  weight: number;
  /** How much the visitor already wants to buy, against one who types the address. */
  intent: number;
  referrer?: string;
  /** The query of the landing page. */
  query?: string;
}

export const ARRIVALS: readonly Arrival[] = [
  { weight: 30, intent: 1.1 },
  { weight: 28, intent: 1, referrer: 'https://www.google.com/' },
  { weight: 12, intent: 1.2, query: 'utm_source=newsletter&utm_medium=email&utm_campaign=weekly' },
  {
    weight: 11,
    intent: 0.9,
    referrer: 'https://www.google.com/',
    query: 'utm_source=google&utm_medium=cpc&utm_campaign=brand&gclid=demo',
  },
  {
    weight: 10,
    intent: 0.5,
    referrer: 'https://www.instagram.com/',
    query: 'utm_source=instagram&utm_medium=social&utm_campaign=autumn_colours',
  },
  { weight: 5, intent: 0.6, referrer: 'https://www.facebook.com/', query: 'fbclid=demo' },
  { weight: 4, intent: 0.9, referrer: 'https://coffee-blog.example/grinders-compared' },
];

/** Comes on top on the days of the sale. */
export const SALE_ARRIVAL: Arrival = {
  weight: 45,
  intent: 1.3,
  query: 'utm_source=newsletter&utm_medium=email&utm_campaign=big_sale',
};

export const SEARCHES = ['espresso', 'green tea', 'grinder', 'gift', 'decaf', 'cup set', 'oat milk'];
