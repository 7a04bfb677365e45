/** From what is sent to what comes out: times, skew, ids, bots, enrichment, duplicates (DESIGN 4). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ServerUnderTest } from '../server-under-test.ts';
import { Project, type Json } from './project.ts';

const CHROME =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36';
const GOOGLEBOT = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)';

let server: ServerUnderTest;
let project: Project;
let number = 0;

beforeAll(async () => {
  server = await ServerUnderTest.start();
  project = await Project.first(server);
});
afterAll(() => server.stop());

const event = (fields: Json = {}): Json => ({
  eventId: `e${number++}`,
  eventName: 'seen',
  anonymousId: 'a1',
  ...fields,
});

/** Sends one event in a batch and gives it back as it comes out. */
async function through(fields: Json, batch: Json = {}): Promise<Json> {
  const sent = event(fields);
  await project.send([sent], batch);
  return project.stored(sent['eventId']);
}
const iso = (ms: number): string => new Date(ms).toISOString();
const MINUTE = 60_000;

describe.concurrent('the output shape', () => {
  it('has what was sent and what the server adds, in trace, timeline and export alike', async () => {
    const sent = event({
      userId: 'shape-user',
      anonymousId: 'shape-device',
      sessionId: 'client-session',
      timestamp: '2026-05-03T12:00:00.123+02:00',
      sequence: 42,
      schemaVersion: '2',
      groupId: 'g1',
      properties: { price: 12.5, 'dotted.key': 1, none: null, empty: {}, list: [1, 'two', null], day: '2026-01-01' },
      context: { appVersion: '1.2.3', locale: 'de-DE', custom: { deep: [true] } },
      traits: { plan: 'pro' },
    });
    const receivedAt = await project.send([sent]);
    const stored = await project.stored(sent['eventId']);
    expect(stored).toEqual({
      ...sent,
      type: 'track',
      timestamp: '2026-05-03T10:00:00.123Z',
      originalTimestamp: '2026-05-03T10:00:00.123Z',
      receivedAt,
      personId: expect.any(String),
      source: 'default',
      bot: false,
      session: { id: sent['eventId'], start: '2026-05-03T10:00:00.123Z' },
      context: expect.objectContaining(sent['context']),
    });
    expect((await project.api('/api/users/shape-device/timeline'))['events']).toEqual([stored]);
    expect((await project.export()).find((each) => each['eventId'] === sent['eventId'])).toEqual(stored);
  });

  it('keeps the original JSON values: big integers as numbers, exponents, nested nulls, emoji, odd keys', async () => {
    const properties = {
      big: 2 ** 53,
      tiny: 1e-7,
      text: 'a\u0000b\n"\\🎉',
      '': 'empty key',
      __proto__x: 1,
      'a.b': { 'c.d': null },
    };
    expect((await through({ properties }))['properties']).toEqual(properties);
  });

  it('leaves out ids that were not sent: null, "" and absent all mean none', async () => {
    const stored = await through({ userId: null, sessionId: '', groupId: null, anonymousId: 'only' });
    for (const field of ['userId', 'sessionId', 'groupId', 'previousId'])
      expect(stored).not.toHaveProperty(field);
  });

  it.each([
    ['page', 'page_view'],
    ['screen', 'screen_view'],
    ['identify', 'identify'],
    ['group', 'group'],
    ['alias', 'alias'],
  ])('a %s without a name is %s', async (type, eventName) => {
    expect(await through({ type, eventName: undefined, userId: 'namer', groupId: 'g', previousId: 'p' })).toMatchObject(
      { type, eventName },
    );
  });

  it('an event keeps the ids it came with after its person is known', async () => {
    const before = event({ anonymousId: 'late-login' });
    await project.send([before, event({ type: 'identify', anonymousId: 'late-login', userId: 'known-1' })]);
    const stored = await project.stored(before['eventId']);
    expect(stored).toMatchObject({ anonymousId: 'late-login' });
    expect(stored).not.toHaveProperty('userId');
  });
});

describe.concurrent('time', () => {
  it('absent is receivedAt', async () => {
    const stored = await through({});
    expect([stored['timestamp'], stored['originalTimestamp']]).toEqual([stored['receivedAt'], stored['receivedAt']]);
  });
  it('may be epoch ms', async () => {
    expect((await through({ timestamp: 1_777_777_777_123 }))['timestamp']).toBe(iso(1_777_777_777_123));
  });
  it.each(['yesterday', '2026-02-30T00:00:00Z', '2026-13-01T00:00:00Z', '', {}, true, -1, 1e300])(
    '%j is refused or none',
    async (timestamp) => {
      const response = await project.post('/api/events/batch', { events: [event({ timestamp })] });
      const { accepted, rejected } = (await response.json()) as Json;
      expect([accepted, rejected[0]?.quarantined]).toEqual(timestamp === '' ? [1, undefined] : [0, true]);
    },
  );
  it('skew within 120 s is ignored', async () => {
    const now = Date.now();
    const stored = await through({ timestamp: now - 110_000 }, { sentAt: now - 110_000 });
    expect(stored['timestamp']).toBe(iso(now - 110_000));
  });
  it('skew beyond it is rounded to 60 s and applied, on the batch or on the event', async () => {
    const now = Date.now();
    // The device's clock is 10 min 10 s behind; it acted 5 s before it sent.
    const sentAt = now - 610_000;
    const timestamp = sentAt - 5_000;
    for (const stored of [
      await through({ timestamp }, { sentAt: iso(sentAt) }),
      await through({ timestamp, sentAt }),
    ]) {
      expect(stored).toMatchObject({ timestamp: iso(timestamp + 10 * MINUTE), originalTimestamp: iso(timestamp) });
    }
  });
  it('a clock ahead is turned back', async () => {
    const now = Date.now();
    const stored = await through({ timestamp: now + 3 * 3_600_000 }, { sentAt: now + 3 * 3_600_000 });
    expect(stored['timestamp']).toBe(iso(now));
    expect(stored['originalTimestamp']).toBe(iso(now + 3 * 3_600_000));
  });
  it('more than 1 h in the future is receivedAt; up to 1 h stays', async () => {
    const now = Date.now();
    expect((await through({ timestamp: now + 59 * MINUTE }))['timestamp']).toBe(iso(now + 59 * MINUTE));
    const clamped = await through({ timestamp: now + 62 * MINUTE });
    expect([clamped['timestamp'], clamped['originalTimestamp']]).toEqual([
      clamped['receivedAt'],
      iso(now + 62 * MINUTE),
    ]);
  });
  it('of history stays: years ago is no mistake', async () => {
    expect((await through({ timestamp: '1999-12-31T23:59:59.999Z' }))['timestamp']).toBe('1999-12-31T23:59:59.999Z');
  });
});

describe.concurrent('ids', () => {
  it.each(['null', 'undefined', '[object Object]', 'NaN', 'true', 'false', '0', 'anonymous', 'guest'])(
    '%s is no id',
    async (id) => {
      for (const ids of [{ userId: id }, { anonymousId: id }]) {
        const response = await project.post('/api/events', { eventId: `i${number++}`, eventName: 'seen', ...ids });
        expect([response.status, ((await response.json()) as Json)['code']]).toEqual([400, 'illegal_id']);
      }
    },
  );
  it('eventId and eventName have 1 to 200 characters', async () => {
    const answers = await Promise.all(
      [
        { eventId: 'i'.repeat(200) },
        { eventName: '🎉'.repeat(100) },
        { eventId: 'i'.repeat(201) },
        { eventName: 'n'.repeat(201) },
        { eventId: '' },
      ].map(async (fields) => (await project.post('/api/events', event(fields))).status),
    );
    expect(answers).toEqual([202, 202, 400, 400, 400]);
  });
  it('one of userId and anonymousId there must be', async () => {
    expect((await project.post('/api/events', event({ anonymousId: undefined }))).status).toBe(400);
    expect((await project.post('/api/events', event({ anonymousId: undefined, userId: 'u' }))).status).toBe(202);
  });
});

describe.concurrent('bots', () => {
  it('are judged from context.userAgent', async () => {
    expect((await through({ context: { userAgent: GOOGLEBOT } }))['bot']).toBe(true);
    expect((await through({ context: { userAgent: CHROME } }))['bot']).toBe(false);
  });
  it("and from the request's User-Agent only when a browser sent it", async () => {
    const sent = [event(), event(), event()];
    await project.post('/api/events', sent[0], { 'user-agent': GOOGLEBOT });
    await project.post('/api/events', sent[1], { 'user-agent': GOOGLEBOT, origin: 'https://shop.example' });
    await project.post('/api/events', sent[2], { 'user-agent': GOOGLEBOT, 'sec-fetch-site': 'cross-site' });
    await project.send([event()]);
    const bots = await Promise.all(sent.map(async ({ eventId }) => (await project.stored(eventId))['bot']));
    expect(bots).toEqual([false, true, true]);
  });
});

describe.concurrent('enrichment', () => {
  it('reads browser, system and device from the user agent', async () => {
    const { context } = await through({ context: { userAgent: CHROME } });
    expect(context).toMatchObject({
      browser: { name: 'Chrome' },
      os: { name: 'Windows' },
      device: { type: 'desktop' },
    });
  });
  it('reads the country from the address, and drops the address', async () => {
    const stored = await through({ context: { ip: '81.2.69.142' } });
    expect(stored['context']['geo']).toMatchObject({ country: 'GB' });
    expect(JSON.stringify(stored)).not.toContain('81.2.69');
  });
  it('reads campaign and click ids from the address of the page, and where the visit came from', async () => {
    const url = 'https://shop.example/?utm_source=news&utm_medium=email&utm_campaign=spring&gclid=abc';
    const { context } = await through({ context: { page: { url, referrer: 'https://www.google.com/search?q=x' } } });
    expect(context['campaign']).toMatchObject({ source: 'news', medium: 'email', name: 'spring' });
    expect(JSON.stringify(context['campaign'])).toContain('abc');
    expect(context['referrer']).toBeDefined();
    expect(context['channel']).toEqual(expect.any(String));
  });
});

describe('duplicates', () => {
  it('the first copy wins, whatever the second says; the conflict is counted', async () => {
    const first = event({ properties: { copy: 1 } });
    await project.send([first]);
    const before = await balance();
    await project.send([first]);
    await project.send([{ ...first, properties: { copy: 2 } }]);
    expect((await project.stored(first['eventId']))['properties']).toEqual({ copy: 1 });
    const after = await balance();
    expect([after['duplicate'] - before['duplicate'], after['conflict'] - before['conflict']]).toEqual([2, 1]);
    expect(after['stored']).toBe(before['stored']);
  });
});

async function balance(): Promise<Json> {
  await project.settled();
  return (await project.api('/api/pipeline'))['balance'] as Json;
}
