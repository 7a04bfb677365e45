/** Rules F of the protocol: other vendors' requests, as their clients write them (docs/clients.md), and what becomes of them. */
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GRANT, KEY, startCollector } from '../testing/server.ts';

const message = (more: object = {}): object => ({
  messageId: 'ajs-1',
  type: 'track',
  event: 'Order Completed',
  userId: 'u1',
  anonymousId: 'a1',
  timestamp: '2026-05-03T10:00:00.000Z',
  properties: { revenue: 5 },
  context: { locale: 'en-US', library: { name: 'analytics.js', version: '1' } },
  integrations: { All: true },
  ...more,
});
const NO_KEY = { authorization: '' };
const basic = { authorization: `Basic ${Buffer.from(`${KEY}:`).toString('base64')}` };

describe('F1, F2: Segment', () => {
  it('takes each call at its own path, long and short, with or without a slash at the end', async () => {
    await using collector = await startCollector();
    const calls = ['track', 't', 'page', 'p', 'screen', 's', 'identify', 'i', 'group', 'g', 'alias', 'a'];
    for (const call of calls) {
      const body = { messageId: call, userId: 'u1', event: 'x', groupId: 'g1', previousId: 'p1', writeKey: KEY };
      const { status, body: answered } = await collector.post(`/v1/${call}${call.length > 1 ? '/' : ''}`, body, NO_KEY);
      expect([status, answered]).toMatchObject([200, { success: true, accepted: 1, rejected: [] }]);
    }
    expect(collector.events().map(({ eventId, type }) => [eventId, type])).toEqual(
      calls.map((call, i) => [call, ['track', 'page', 'screen', 'identify', 'group', 'alias'][Math.floor(i / 2)]]),
    );
    expect(collector.difference()).toBe(0);
  });

  it('takes batches at each path that a client sends them to, also piece by piece, packed or plain', async () => {
    await using collector = await startCollector();
    for (const path of ['/v1/batch', '/v1/b', '/v1/import/']) {
      const bytes = gzipSync(JSON.stringify({ batch: [message({ messageId: path })], writeKey: KEY }));
      // Without a length, as Kotlin's client sends it.
      const pieces = new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(bytes.subarray(0, 20));
          controller.enqueue(bytes.subarray(20));
          controller.close();
        },
      });
      const headers = { 'content-type': 'text/plain', 'content-encoding': 'gzip' };
      const response = await fetch(collector.url + path, { method: 'POST', body: pieces, duplex: 'half', headers });
      expect([path, response.status, await response.json()]).toMatchObject([path, 200, { accepted: 1, rejected: [] }]);
    }
    expect(collector.events().map(({ eventId }) => eventId)).toEqual(['/v1/batch', '/v1/b', '/v1/import/']);
  });

  it('merges the context of a batch, keeps name and category of a page, makes numbers ids, and leaves integrations out', async () => {
    await using collector = await startCollector();
    const batch = [
      message(),
      message({
        messageId: 'm2',
        type: 'page',
        event: undefined,
        name: 'Home',
        category: 'Shop',
        userId: 42,
        context: { locale: 'de' },
      }),
      message({
        messageId: 'm3',
        type: 'identify',
        userId: 'u9',
        context: { traits: { plan: 'pro' } },
        event: undefined,
      }),
    ];
    const { status } = await collector.post(
      '/v1/batch',
      { batch, sentAt: new Date().toISOString(), context: { locale: 'fr', app: { name: 'shop' } } },
      basic,
    );
    expect(status).toBe(200);
    const [track, page, identify] = collector.events();
    expect(track).toMatchObject({ eventId: 'ajs-1', eventName: 'Order Completed', userId: 'u1', anonymousId: 'a1' });
    expect(JSON.parse(track!.context)).toMatchObject({ locale: 'en-US', app: { name: 'shop' } });
    expect(page).toMatchObject({ eventName: 'page_view', userId: '42' });
    expect(JSON.parse(page!.properties)).toEqual({ name: 'Home', category: 'Shop', revenue: 5 });
    expect(JSON.parse(identify!.traits)).toEqual({ plan: 'pro' });
  });

  it('rejects single events within the 200, and keeps them in quarantine', async () => {
    await using collector = await startCollector();
    const batch = [
      message(),
      message({ messageId: 'm2', userId: null, anonymousId: '' }),
      7,
      message({ messageId: 'm4', event: '' }),
    ];
    const { status, body } = await collector.post('/v1/batch', { batch, writeKey: KEY }, NO_KEY);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      accepted: 1,
      rejected: [
        { index: 1, messageId: 'm2', code: 'missing_identity', quarantined: true },
        { index: 2, code: 'not_an_object', quarantined: true },
        { index: 3, messageId: 'm4', code: 'missing_event_name', quarantined: true },
      ],
    });
    expect(collector.quarantined()).toHaveLength(3);
    expect(collector.difference()).toBe(0);
  });

  it('corrects times by sentAt, but not those that the caller set, nor by a file that was closed long before it was sent', async () => {
    await using collector = await startCollector();
    const sentAt = new Date(Date.now() - 7_200_000).toISOString();
    const timestamp = new Date(Date.now() - 7_260_000).toISOString();
    const batch = [
      message({ messageId: 'late clock', timestamp }),
      message({ messageId: 'set by the caller', timestamp, originalTimestamp: sentAt }),
      message({ messageId: 'swift', timestamp, context: { library: { name: 'analytics-swift' } } }),
    ];
    await collector.post('/v1/b', { batch, sentAt, writeKey: KEY }, NO_KEY);
    const [late, set, swift] = collector.events().map(({ timeMs }) => Date.now() - timeMs);
    expect(late).toBeLessThan(180_000);
    expect(set).toBeGreaterThan(7_200_000);
    expect(swift).toBeGreaterThan(7_200_000);
  });

  it('answers an unknown key 401, a body that is no batch 400, and keeps the latter', async () => {
    await using collector = await startCollector();
    expect((await collector.post('/v1/batch', { batch: [], writeKey: 'cwrong' }, NO_KEY)).status).toBe(401);
    expect((await collector.post('/v1/batch', { events: [] }, basic)).status).toBe(400);
    expect((await collector.post('/v1/batch', '{"batch":[', basic)).status).toBe(400);
    expect(collector.quarantined()).toHaveLength(2);
    expect(collector.difference()).toBe(0);
  });

  it('N7: an event whose category is denied is counted as filtered, plain or not', async () => {
    await using collector = await startCollector();
    const consent = { categoryPreferences: { analytics: false } };
    const { body } = await collector.post(
      '/v1/batch',
      { batch: [message(), message({ messageId: 'm2', context: { consent } })], writeKey: KEY },
      NO_KEY,
    );
    expect(body).toMatchObject({ accepted: 2, rejected: [] });
    await collector.post('/api/events/batch', {
      events: [{ eventId: 'n', eventName: 'x', userId: 'u', context: { consent } }],
    });
    expect(collector.events()).toHaveLength(1);
    expect(collector.quarantined()).toMatchObject([
      { kind: 'tally', outcome: 'filtered', code: 'consent' },
      { kind: 'tally', outcome: 'filtered', code: 'consent' },
    ]);
    expect(collector.difference()).toBe(0);
  });

  it('answers a pixel with an image, by data and by parameters', async () => {
    await using collector = await startCollector();
    const data = Buffer.from(JSON.stringify(message({ writeKey: KEY }))).toString('base64url');
    for (const query of [
      `data=${data}`,
      `writeKey=${KEY}&messageId=m2&event=Mail+Opened&userId=u1&properties.mail.id=7`,
    ]) {
      const response = await fetch(`${collector.url}/v1/pixel/track?${query}`);
      expect([response.status, response.headers.get('content-type')]).toEqual([200, 'image/gif']);
      expect((await response.arrayBuffer()).byteLength).toBe(42);
    }
    expect(collector.events().map(({ eventName }) => eventName)).toEqual(['Order Completed', 'Mail Opened']);
    expect(JSON.parse(collector.events()[1]!.properties)).toEqual({ mail: { id: '7' } });
  });

  it('answers a pixel with an image whatever becomes of it, for a page can show nothing else', async () => {
    await using collector = await startCollector();
    for (const path of ['track?writeKey=cwrong', `track?writeKey=${KEY}&data=%00`, `nothing?writeKey=${KEY}`, 'track']) {
      const response = await fetch(`${collector.url}/v1/pixel/${path}`);
      expect([path, response.status, response.headers.get('content-type')]).toEqual([path, 200, 'image/gif']);
    }
    collector.log.failing = 'ENOSPC';
    const refused = await fetch(`${collector.url}/v1/pixel/track?writeKey=${KEY}&event=x&userId=u`);
    expect([refused.status, (await refused.arrayBuffer()).byteLength]).toEqual([200, 42]);
    expect(collector.events()).toEqual([]);
    expect(collector.difference()).toBe(0);
  });

  it('hands out settings that lead web and mobile clients back to us', async () => {
    await using collector = await startCollector();
    const settings = await (await fetch(`${collector.url}/v1/projects/${KEY}/settings`)).json();
    expect(settings).toMatchObject({
      integrations: { 'Segment.io': { apiKey: KEY, apiHost: `127.0.0.1:${collector.port}/v1`, protocol: 'http' } },
      metrics: { sampleRate: 0 },
    });
  });
});

describe('F3: RudderStack', () => {
  it('reads gzip that is called a form, with the key in Authorization alone', async () => {
    await using collector = await startCollector();
    const bytes = gzipSync(
      JSON.stringify({
        batch: [message({ timestamp: undefined, originalTimestamp: '2026-05-03T10:00:00.000Z', channel: 'server' })],
      }),
    );
    const { status } = await collector.post('/v1/batch', bytes, {
      ...basic,
      'content-type': 'application/x-www-form-urlencoded',
    });
    expect(status).toBe(200);
    expect(collector.events()).toMatchObject([{ eventId: 'ajs-1', timeMs: Date.UTC(2026, 4, 3, 10) }]);
  });

  it('makes its number of a session a text, and takes beacons by the key in the address', async () => {
    await using collector = await startCollector();
    const body = { batch: [message({ userId: '', context: { sessionId: 1_700_000_000_000 } })] };
    const { status } = await collector.post(`/beacon/v1/batch?writeKey=${KEY}`, body, NO_KEY);
    expect(status).toBe(200);
    expect(collector.events()).toMatchObject([{ sessionId: '1700000000000', userId: '' }]);
    const config = await (await fetch(`${collector.url}/sourceConfig/?writeKey=${KEY}`)).json();
    expect(config).toMatchObject({ source: { enabled: true, destinations: [] } });
  });
});

describe('F4: Jitsu', () => {
  it('reads its key from a header, and only what stands before the colon', async () => {
    await using collector = await startCollector();
    for (const path of ['/api/s/track', '/api/s/s2s/page']) {
      const { status, body } = await collector.post(path, message({ messageId: path, type: undefined }), {
        authorization: '',
        'x-write-key': `${KEY}:***`,
      });
      expect([status, body]).toMatchObject([200, { ok: true }]);
    }
    expect(collector.events().map(({ type }) => type)).toEqual(['track', 'page']);
  });
});

describe('F5: PostHog', () => {
  const capture = (event: string, properties: object = {}, more: object = {}): object => ({
    event,
    uuid: `uuid-${event}`,
    properties: { distinct_id: 'd1', $device_id: 'd1', $lib: 'web', ...properties },
    timestamp: '2026-05-03T10:00:00.000Z',
    ...more,
  });

  it('takes its three shapes of body and three of packing, and answers 200', async () => {
    await using collector = await startCollector();
    const one = (uuid: string): object => ({ ...capture('seen'), uuid, api_key: KEY });
    const bodies: [string, string | Buffer][] = [
      ['/batch/', JSON.stringify({ api_key: KEY, batch: [one('1')], sent_at: new Date().toISOString() })],
      [
        '/e/',
        gzipSync(JSON.stringify([{ ...one('2'), api_key: undefined, properties: { token: KEY, distinct_id: 'd1' } }])),
      ],
      ['/i/v0/e/?_=1700000000000&ver=1', JSON.stringify(one('3'))],
      [
        '/capture/?compression=base64',
        `data=${encodeURIComponent(Buffer.from(JSON.stringify(one('4'))).toString('base64'))}`,
      ],
      ['/e/?compression=gzip-js', `data=${encodeURIComponent(gzipSync(JSON.stringify(one('5'))).toString('base64'))}`],
    ];
    for (const [path, body] of bodies) {
      const answered = await collector.post(path, body, { authorization: '', 'content-type': 'text/plain' });
      expect([path, answered.status, answered.body['status']]).toEqual([path, 200, 'Ok']);
    }
    expect(collector.events().map(({ eventId }) => eventId)).toEqual(['1', '2', '3', '4', '5']);
  });

  it('tells devices from users, and makes its own events our calls', async () => {
    await using collector = await startCollector();
    const batch = [
      capture('anonymous'),
      capture('$identify', { distinct_id: 'u1', $anon_distinct_id: 'd1', $set: { plan: 'pro' } }),
      capture('identified', { distinct_id: 'u1', $is_identified: true, $session_id: 's1' }),
      capture('$pageview', { $current_url: 'https://shop.example/?utm_source=mail', $pathname: '/' }),
      capture('$groupidentify', {
        distinct_id: 'u1',
        $group_type: 'company',
        $group_key: 'acme',
        $group_set: { seats: 5 },
      }),
      capture('$create_alias', { distinct_id: 'u1', alias: 'old' }),
      { event: 'from a server', distinct_id: 'u2', uuid: 'x', properties: { $lib: 'posthog-node' } },
    ];
    await collector.post('/batch/', { api_key: KEY, batch }, NO_KEY);
    expect(
      collector.events().map(({ type, eventName, userId, anonymousId }) => [type, eventName, userId, anonymousId]),
    ).toEqual([
      ['track', 'anonymous', '', 'd1'],
      ['identify', 'identify', 'u1', 'd1'],
      ['track', 'identified', 'u1', 'd1'],
      ['page', 'page_view', '', 'd1'],
      ['group', 'group', 'u1', 'd1'],
      ['alias', 'alias', 'u1', 'd1'],
      ['track', 'from a server', 'u2', ''],
    ]);
    const [, identify, identified, , group, alias] = collector.events();
    expect(JSON.parse(identify!.traits)).toEqual({ plan: 'pro' });
    expect(identified!.sessionId).toBe('s1');
    expect([group!.groupId, JSON.parse(group!.traits)]).toEqual(['acme', { seats: 5 }]);
    expect(alias!.previousId).toBe('old');
  });

  it('takes an age in place of a time, as its older clients tell it', async () => {
    await using collector = await startCollector();
    const batch = [
      capture('aged', {}, { timestamp: undefined, offset: 600_000 }),
      capture('timed', {}, { offset: 600_000 }),
      capture('neither', {}, { timestamp: undefined, offset: -1 }),
    ];
    await collector.post('/batch/', { api_key: KEY, batch, sent_at: new Date(Date.now() - 86_400_000).toISOString() }, NO_KEY);
    const [aged, timed, neither] = collector.events().map(({ timeMs }) => Math.round((Date.now() - timeMs) / 60_000));
    expect([aged, neither]).toEqual([10, 0]);
    expect(timed).toBeGreaterThan(100);
  });

  it('is told that nothing beyond events is there', async () => {
    await using collector = await startCollector();
    const flags = await fetch(`${collector.url}/flags/?v=2`, { method: 'POST', body: '{}' });
    expect(await flags.json()).toMatchObject({ flags: {}, errorsWhileComputingFlags: false });
    const script = await fetch(`${collector.url}/array/${KEY}/config.js`);
    expect([script.headers.get('content-type'), await script.text()]).toEqual([
      expect.stringContaining('javascript'),
      expect.stringContaining(KEY),
    ]);
    expect((await fetch(`${collector.url}/array/%22);alert(1)/config.js`)).status).not.toBe(200);
  });
});

describe('F7: not now', () => {
  const limited = { ...GRANT, limits: { eventsPerSecond: 1, bytesPerSecond: null } };
  const posthogBody = { api_key: KEY, batch: [{ event: 'a', distinct_id: 'u' }] };

  it('is said to each as it keeps its events by: when its rate is used up, and when the log fails', async () => {
    await using collector = await startCollector();
    const said = async (path: string, body: unknown): Promise<unknown> => {
      const answered = await collector.post(path, body).catch(() => 'cut');
      return answered === 'cut' ? 'cut' : [(answered as { status: number }).status, (answered as { headers: Headers }).headers.get('retry-after')];
    };
    const told = async (): Promise<unknown[]> => [
      await said('/v1/batch', { batch: [message()] }),
      await said('/e/', posthogBody),
      await said('/batch/', posthogBody),
    ];
    collector.log.failing = 'ENOSPC';
    expect(await told()).toEqual([[429, '10'], [503, '3'], 'cut']);
    expect(await said('/api/events', message())).toEqual([503, '1']);
    collector.log.failing = undefined;
    collector.grants.set(KEY, limited);
    await collector.post('/v1/batch', { batch: [message(), message({ messageId: 'm2' }), message({ messageId: 'm3' })] });
    expect(await told()).toEqual([[429, '10'], [503, '3'], 'cut']);
    expect(collector.difference()).toBe(0);
  });

  it('is not said to who never tries again: it waits, as long as there is a place to', async () => {
    await using collector = await startCollector();
    collector.grants.set(KEY, limited);
    const jitsu = (messageId: string): Promise<{ status: number }> =>
      collector.post('/api/s/track', message({ messageId }), { 'x-write-key': KEY });
    const startedAt = performance.now();
    await collector.post('/v1/batch', { batch: [message(), message({ messageId: 'm2' })] });
    expect((await jitsu('held')).status).toBe(200);
    expect(performance.now() - startedAt).toBeGreaterThan(800);
    const leaving = new AbortController();
    const left = fetch(`${collector.url}/api/s/track`, { method: 'POST', body: '{}', headers: { 'x-write-key': KEY }, signal: leaving.signal });
    setTimeout(() => leaving.abort(), 100);
    await expect(left).rejects.toThrow(/abort/);
    expect(collector.events().map(({ eventId }) => eventId)).toEqual(['ajs-1', 'm2', 'held']);
    expect(collector.difference()).toBe(0);
  });
});

describe('F6: whatever comes', () => {
  it('is bounded: a context is not multiplied, nor a form unpacked, beyond what a body may be; unknown keys come first', async () => {
    await using collector = await startCollector();
    const wide = {
      batch: Array.from({ length: 5_000 }, () => ({ event: 'x', userId: 'u' })),
      context: { a: 'x'.repeat(60_000) },
    };
    expect((await collector.post('/v1/batch', wide, basic)).status).toBe(413);
    expect((await collector.post('/v1/batch', { ...wide, writeKey: 'cunknown' }, NO_KEY)).status).toBe(401);
    const nodes = gzipSync(`[${'{},'.repeat(600_000)}{}]`).toString('base64');
    expect((await collector.post('/e/', `data=${encodeURIComponent(nodes)}`, basic)).status).toBe(413);
    expect(collector.events()).toEqual([]);
  });

  it('loses no neighbours: names of what every object has, and nesting without end', async () => {
    await using collector = await startCollector();
    const names = ['constructor', '__proto__', '__defineGetter__', 'toString'];
    const batch = names.map((event) => ({
      event,
      uuid: event,
      distinct_id: 'u1',
      properties: { eventId: 'forged', userId: 'forged' },
    }));
    expect((await collector.post('/batch/', { batch, api_key: KEY }, NO_KEY)).status).toBe(200);
    expect(collector.events().map(({ eventId, eventName, userId }) => [eventId, eventName, userId])).toEqual(
      names.map((name) => [name, name, 'u1']),
    );
    const deep = `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`;
    const { status, body } = await collector.post(
      '/v1/batch',
      `{"batch":[{"event":"deep","userId":"u","properties":${deep}},${JSON.stringify(message())}]}`,
      basic,
    );
    expect([status, body]).toMatchObject([200, { accepted: 1, rejected: [{ index: 0, quarantined: true }] }]);
    expect(collector.difference()).toBe(0);
  });

  it('loses one event to a byte that is not UTF-8, not its neighbours, and keeps the byte', async () => {
    await using collector = await startCollector();
    const [before, after] = JSON.stringify({
      batch: [message(), message({ messageId: 'm2', event: 'caf?' }), message({ messageId: 'm3', event: 'café \ufffd' })],
      integrations: 'n?',
    }).split('caf?') as [string, string];
    const bytes = Buffer.concat([Buffer.from(`${before}caf`), Buffer.from([0xe9]), Buffer.from(after)]);
    for (const body of [bytes, gzipSync(bytes)]) {
      const { status, body: answered } = await collector.post('/v1/batch', body, basic);
      expect([status, answered]).toMatchObject([200, { accepted: 2, rejected: [{ index: 1, messageId: 'm2', code: 'invalid_unicode' }] }]);
    }
    expect(collector.events().map(({ eventName }) => eventName).slice(0, 2)).toEqual(['Order Completed', 'café \ufffd']);
    const [kept] = collector.quarantined();
    expect(kept).toMatchObject({ kind: 'item', encoding: 'base64' });
    expect(Buffer.from((kept as { original: string }).original, 'base64').includes(Buffer.from([0x66, 0xe9, 0x22]))).toBe(true);
    expect(collector.difference()).toBe(0);
  });

  const paths = [
    '/v1/track',
    '/v1/batch',
    '/v1/b',
    '/beacon/v1/batch',
    '/api/s/track',
    '/api/s/nothing',
    '/batch/',
    '/e/',
    '/capture',
  ];
  const shape = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.jsonValue({ maxDepth: 2 }),
      tie('event'),
      fc.array(tie('event'), { maxLength: 3 }),
    ),
    event: fc.dictionary(
      fc.constantFrom(
        'batch',
        'type',
        'event',
        'messageId',
        'uuid',
        'userId',
        'properties',
        'context',
        'traits',
        'timestamp',
        'distinct_id',
        '$set',
        'library',
        'sentAt',
        '__proto__',
        'name',
      ),
      tie('value'),
      { noNullPrototype: true },
    ),
  }));

  it('is answered, and every event of it accounted for', async () => {
    await using collector = await startCollector();
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...paths), shape.value, async (path, value) => {
        const { status } = await collector.post(path, JSON.stringify(value) ?? 'nothing');
        expect([200, 400]).toContain(status);
        expect(collector.logged).toEqual([]);
        expect(collector.difference()).toBe(0);
      }),
      { numRuns: 40 },
    );
  });
});
