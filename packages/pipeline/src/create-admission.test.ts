import fc from 'fast-check';
import { FLAG } from '@tidemark/event';
import type { StoredEvent } from '@tidemark/event';
import { describe, expect, test } from 'vitest';
import type { RequestFacts } from './admission.ts';
import { createAdmission } from './create-admission.ts';
import { CHROME_ON_WINDOWS, RECEIVED_AT_MS, request } from './testing.ts';

const COUNTRIES: Record<string, string> = { '203.0.113.7': 'DE', '198.51.100.9': 'FR', '2001:db8:1:2::3': 'PL' };
const { admit } = createAdmission({ countryOf: (address) => COUNTRIES[address] ?? '' });
const base = { eventId: 'e-1', eventName: 'purchase', userId: 'u456' };
const GOOGLEBOT = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)';

function stored(value: object, facts: RequestFacts = request()): StoredEvent {
  const admission = admit({ ...base, ...value }, facts);
  if (admission.kind !== 'store') throw new Error(JSON.stringify(admission));
  return admission.event;
}

const contextOf = (value: object, facts?: RequestFacts): Record<string, unknown> =>
  JSON.parse(stored(value, facts).context) as Record<string, unknown>;

test('the least event, as it is stored', () => {
  expect(stored({})).toEqual({
    project: 'p1',
    source: 'web',
    eventId: 'e-1',
    eventName: 'purchase',
    type: 'track',
    userId: 'u456',
    anonymousId: '',
    sessionId: '',
    groupId: '',
    previousId: '',
    schemaVersion: '',
    sequence: 0,
    timeMs: RECEIVED_AT_MS,
    originalTimeMs: RECEIVED_AT_MS,
    receivedAtMs: RECEIVED_AT_MS,
    bot: false,
    flags: 0,
    country: '',
    os: '',
    browser: '',
    deviceType: '',
    channel: '',
    campaignSource: '',
    campaignMedium: '',
    campaignName: '',
    referrerHost: '',
    pagePath: '',
    appVersion: '',
    locale: '',
    properties: '{}',
    context: '{}',
    traits: '{}',
  });
});

test('T4, T5: times are corrected by the batch, and flagged', () => {
  const sentAt = new Date(RECEIVED_AT_MS - 3_600_000).toISOString();
  const event = stored({ timestamp: RECEIVED_AT_MS - 3_605_000, sequence: 7 }, request({ sentAt }));
  expect(event).toMatchObject({
    timeMs: RECEIVED_AT_MS - 5_000,
    originalTimeMs: RECEIVED_AT_MS - 3_605_000,
    sequence: 7,
  });
  expect(event.flags).toBe(FLAG.timestampGiven | FLAG.sequenceGiven | FLAG.skewCorrected);
});

test('T3: what a correction would move before 1970 is refused', () => {
  const admission = admit({ ...base, timestamp: 1_000, sentAt: '2200-01-01T00:00:00Z' }, request());
  expect(admission).toMatchObject({
    kind: 'quarantine',
    faults: [{ field: 'sentAt', code: 'timestamp_out_of_range' }],
  });
});

test('T8: what its project would not keep is refused, by the corrected time; to the millisecond', () => {
  const days90 = RECEIVED_AT_MS - 90 * 86_400_000;
  const keeping = (facts: Partial<RequestFacts> = {}) => request({ settings: { retentionDays: 90 }, ...facts });
  expect(stored({ timestamp: days90 }, keeping()).timeMs).toBe(days90);
  const old = { ...base, timestamp: days90 - 1 };
  const refused = {
    kind: 'quarantine',
    eventId: 'e-1',
    faults: [{ field: 'timestamp', code: 'older_than_retention', detail: expect.stringContaining('90 days') as string }],
  };
  expect(admit(old, keeping())).toMatchObject(refused);
  expect(admit(old, keeping({ imported: true }))).toMatchObject(refused);
  expect(stored(old).timeMs).toBe(days90 - 1);
  // The device's clock is an hour behind, so the event is an hour younger than it says.
  const sentAt = new Date(RECEIVED_AT_MS - 3_600_000).toISOString();
  expect(stored({ timestamp: days90 - 3_600_000 }, keeping({ sentAt })).timeMs).toBe(days90);
  expect(admit({ ...base, timestamp: days90 - 3_600_001 }, keeping({ sentAt }))).toMatchObject(refused);
});

test('E11, E15: what is refused is told by its own name, as far as it has one', () => {
  expect(admit({ eventId: 'e-1', eventName: 'x' }, request())).toMatchObject({
    kind: 'quarantine',
    eventId: 'e-1',
    eventName: 'x',
    faults: [{ code: 'missing_identity' }],
  });
  expect(admit({ eventId: 7, eventName: ['x'] }, request())).toMatchObject({
    kind: 'quarantine',
    eventId: '',
    eventName: '',
  });
  expect(admit([], request())).toMatchObject({ kind: 'quarantine', eventId: '', faults: [{ code: 'not_an_object' }] });
  const large = { ...base, properties: { text: 'x'.repeat(65_536) } };
  expect(admit(large, request())).toMatchObject({ kind: 'reject', eventId: 'e-1', fault: { code: 'event_too_large' } });
});

describe('N1: the address', () => {
  const fromBrowser = { ip: '198.51.100.9' };

  test('is dropped, truncated or kept, whoever said it', () => {
    const says = { context: { ip: '203.0.113.7', a: 1 } };
    expect(contextOf(says, request({ settings: { ip: 'drop' } }))).toEqual({ a: 1, geo: { country: 'DE' } });
    expect(contextOf(says, request({ settings: { ip: 'truncate' } }))).toEqual({
      a: 1,
      ip: '203.0.113.0',
      geo: { country: 'DE' },
    });
    expect(contextOf(says, request({ settings: { ip: 'keep' } }))).toEqual({
      a: 1,
      ip: '203.0.113.7',
      geo: { country: 'DE' },
    });
    expect(contextOf({}, request({ ...fromBrowser, settings: { ip: 'drop' } }))).toEqual({ geo: { country: 'FR' } });
    expect(contextOf({}, request({ ...fromBrowser, settings: { ip: 'truncate' } }))).toEqual({
      ip: '198.51.100.0',
      geo: { country: 'FR' },
    });
    expect(contextOf({}, request({ ...fromBrowser, settings: { ip: 'keep' } }))).toEqual({
      ip: '198.51.100.9',
      geo: { country: 'FR' },
    });
  });

  test('is nowhere in what is stored when the project keeps none', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), fc.jsonValue(), (address, junk) => {
        for (const context of [{ ip: address }, { ip: junk }, {}]) {
          const text = stored({ context }, request({ ip: address })).context;
          expect(JSON.parse(text)).not.toHaveProperty('ip');
        }
      }),
    );
  });

  test("of a server is nobody's, unless it says so", () => {
    expect(stored({ context: { library: { name: '@segment/analytics-node' } } }, request(fromBrowser)).country).toBe(
      '',
    );
    expect(stored({ context: { direct: false } }, request(fromBrowser)).country).toBe('');
    expect(
      stored({ context: { direct: true, library: { name: 'analytics-python' } } }, request(fromBrowser)).country,
    ).toBe('FR');
    expect(stored({ context: { direct: false, ip: '203.0.113.7' } }, request(fromBrowser)).country).toBe('DE');
  });

  test("that is none is not kept where it can't be understood", () => {
    expect(contextOf({ context: { ip: 'localhost' } }, request({ settings: { ip: 'truncate' } }))).toEqual({});
    expect(contextOf({ context: { ip: ['203.0.113.7'] } }, request({ settings: { ip: 'truncate' } }))).toEqual({});
  });
});

test('N2: the country that the client knows holds', () => {
  expect(stored({ context: { geo: { country: 'at', city: 'Wien' }, ip: '203.0.113.7' } }).country).toBe('AT');
  expect(contextOf({ context: { geo: { city: 'Berlin' }, ip: '203.0.113.7' } })).toEqual({
    geo: { city: 'Berlin', country: 'DE' },
  });
});

describe('N3: software and device', () => {
  test("of the context's user agent, else of the request's when a browser sent it", () => {
    const expected = { os: 'Windows', browser: 'Chrome', deviceType: 'desktop' };
    expect(stored({ context: { userAgent: CHROME_ON_WINDOWS } })).toMatchObject(expected);
    expect(stored({}, request({ userAgent: CHROME_ON_WINDOWS, fromBrowser: true }))).toMatchObject(expected);
    expect(stored({}, request({ userAgent: CHROME_ON_WINDOWS, fromBrowser: false }))).toMatchObject({
      os: '',
      browser: '',
      deviceType: '',
    });
    expect(contextOf({}, request({ userAgent: CHROME_ON_WINDOWS, fromBrowser: true }))).toEqual({
      userAgent: CHROME_ON_WINDOWS,
      os: { name: 'Windows', version: '10' },
      browser: { name: 'Chrome', version: '120.0.0.0' },
      device: { type: 'desktop' },
    });
  });

  test('as the client states them, hold', () => {
    const context = {
      userAgent: CHROME_ON_WINDOWS,
      os: { name: 'iOS', version: '17.1' },
      browser: 'MyApp',
      device: { type: 'ios', model: 'iPhone15,2' },
    };
    expect(stored({ context })).toMatchObject({ os: 'iOS', browser: 'MyApp', deviceType: 'mobile' });
    expect(contextOf({ context })).toEqual(context);
    expect(stored({ context: { device: { type: 'ios', model: 'iPad13,1' } } }).deviceType).toBe('tablet');
    expect(stored({ context: { device: 'Tablet' } }).deviceType).toBe('tablet');
  });

  test('are filled where the client leaves them open', () => {
    expect(contextOf({ context: { os: { name: 'Android' }, device: { model: 'Pixel 8' } } })).toEqual({
      os: { name: 'Android' },
      device: { model: 'Pixel 8', type: 'mobile' },
    });
    expect(contextOf({ context: { userAgent: CHROME_ON_WINDOWS, os: { name: null, kernel: 'x' } } })).toMatchObject({
      os: { name: 'Windows', version: '10', kernel: 'x' },
    });
  });
});

test('N4: bots are flagged, or left out where the project says so; after the rules of the event', () => {
  const bot = { context: { userAgent: GOOGLEBOT } };
  expect(stored(bot).bot).toBe(true);
  expect(stored({}, request({ userAgent: GOOGLEBOT, fromBrowser: true })).bot).toBe(true);
  expect(stored({}, request({ userAgent: 'curl/8.5.0' })).bot).toBe(false);
  const dropping = request({ settings: { bots: 'drop' } });
  expect(admit({ ...base, ...bot }, dropping)).toEqual({ kind: 'filter', eventId: 'e-1', reason: 'bot' });
  expect(admit({ ...base, userId: '', ...bot }, dropping)).toMatchObject({ kind: 'quarantine' });
  expect(admit(base, dropping)).toMatchObject({ kind: 'store' });
});

describe('N5, N6: page, campaign, referrer, channel', () => {
  const url = 'https://www.shop.example/shoes?color=red&utm_source=news&utm_medium=email&utm_campaign=spring#top';

  test('of the page in the context', () => {
    const event = stored({ context: { page: { url, referrer: 'https://mail.google.com/' } } });
    expect(event).toMatchObject({
      pagePath: '/shoes',
      campaignSource: 'news',
      campaignMedium: 'email',
      campaignName: 'spring',
      channel: 'email',
      referrerHost: 'mail.google.com',
    });
    expect(JSON.parse(event.context)).toEqual({
      page: { url, referrer: 'https://mail.google.com/' },
      campaign: { source: 'news', medium: 'email', name: 'spring' },
      referrer: { host: 'mail.google.com' },
      channel: 'email',
    });
  });

  test('of the properties of a page call', () => {
    const properties = {
      url: 'https://shop.example/a',
      path: '/a',
      search: '?gclid=1',
      referrer: 'https://www.google.com/',
    };
    expect(stored({ type: 'page', properties, context: { page: {} } })).toMatchObject({
      pagePath: '/a',
      channel: 'paid',
      campaignSource: 'google',
      referrerHost: 'google.com',
    });
    expect(stored({ properties })).toMatchObject({ pagePath: '', channel: '' });
  });

  test('without a campaign: by the referrer', () => {
    const channel = (referrer: string): string =>
      stored({ context: { page: { url: 'https://www.shop.example/', referrer } } }).channel;
    expect([
      channel(''),
      channel('https://www.google.de/'),
      channel('https://shop.example/x'),
      channel('https://blog.example/'),
    ]).toEqual(['direct', 'search', 'internal', 'referral']);
    expect(
      stored({ context: { page: { url: 'https://shop.example/', referrer: 'https://shop.example/x' } } }).referrerHost,
    ).toBe('');
  });

  test('what the client states, holds', () => {
    const context = {
      page: { url },
      campaign: { source: 'own', medium: 'cpc' },
      channel: 'kiosk',
      referrer: { host: 'x', type: 'y' },
    };
    expect(stored({ context })).toMatchObject({
      campaignSource: 'own',
      campaignMedium: 'cpc',
      campaignName: '',
      channel: 'kiosk',
    });
    expect(contextOf({ context })).toEqual(context);
  });
});

test('columns are cut to a length, between characters; the context is not', () => {
  const locale = `${'x'.repeat(299)}🦊`;
  expect(stored({ context: { locale } }).locale).toBe(`${'x'.repeat(299)}\ufffd`);
  expect(contextOf({ context: { locale } })).toEqual({ locale });
});

test('E14: lists within lists are stored as they came', () => {
  const properties = { products: [{ sku: 'a' }], tags: ['x'] };
  expect(stored({ properties }).properties).toBe(JSON.stringify(properties));
});

test('whatever comes, there is an answer; the value stays as it was; and all that the client said is kept but its address', () => {
  const text = fc.oneof(
    fc.string(),
    fc.webUrl({ withQueryParameters: true }),
    fc.constantFrom(CHROME_ON_WINDOWS, GOOGLEBOT, 'iOS'),
  );
  const member = fc.oneof(
    text,
    fc.jsonValue(),
    fc.dictionary(
      fc.constantFrom('name', 'type', 'url', 'source', 'referrer', 'search', 'country', 'host'),
      fc.oneof(text, fc.jsonValue()),
    ),
  );
  const names = [
    'userAgent',
    'ip',
    'geo',
    'os',
    'browser',
    'device',
    'page',
    'campaign',
    'referrer',
    'channel',
    'locale',
    'app',
    'library',
    'direct',
    '__proto__',
    'x',
  ];
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom(...names), member),
      fc.constantFrom('drop', 'truncate', 'keep'),
      fc.boolean(),
      (context, ip, fromBrowser) => {
        const value = JSON.parse(JSON.stringify({ ...base, context })) as { context: Record<string, unknown> };
        const before = JSON.stringify(value);
        const admission = admit(
          value,
          request({ settings: { ip }, ip: '203.0.113.7', userAgent: CHROME_ON_WINDOWS, fromBrowser }),
        );
        expect(JSON.stringify(value)).toBe(before);
        if (admission.kind !== 'store') return;
        const kept = JSON.parse(admission.event.context) as Record<string, unknown>;
        for (const [name, said] of Object.entries(value.context)) {
          if (name === 'ip') continue;
          if (typeof said === 'object' && said !== null && !Array.isArray(said)) {
            for (const [field, fieldSaid] of Object.entries(said)) {
              if (fieldSaid !== null && fieldSaid !== '')
                expect(Object.entries(kept[name] as object)).toContainEqual([field, fieldSaid]);
            }
          } else if (said !== null && said !== '') {
            expect(Object.entries(kept)).toContainEqual([name, said]);
          }
        }
      },
    ),
    { numRuns: 500 },
  );
});

describe('N7: consent', () => {
  const said = (categoryPreferences: unknown): object => ({ ...base, context: { consent: { categoryPreferences } } });
  const settings = (consentCategory: string | null): RequestFacts => request({ settings: { ...request().settings, consentCategory } });

  test('an event whose category was denied is filtered; silence, other categories and other shapes are no denial', () => {
    expect(admit(said({ analytics: false, advertising: true }), request())).toEqual({ kind: 'filter', eventId: 'e-1', reason: 'consent' });
    for (const preferences of [{ analytics: true }, { advertising: false }, {}, null, 'analytics', [false], { analytics: 'false' }]) {
      expect(admit(said(preferences), request()).kind).toBe('store');
    }
  });

  test('which category it is, a project says; null judges nothing', () => {
    expect(admit(said({ C0002: false }), settings('C0002')).kind).toBe('filter');
    expect(admit(said({ analytics: false }), settings('C0002')).kind).toBe('store');
    expect(admit(said({ analytics: false }), settings(null)).kind).toBe('store');
  });
});
