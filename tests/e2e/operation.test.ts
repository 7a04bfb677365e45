/** What operators see: health, metrics, balance, the API's description, the page (DESIGN 5, 6). */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ServerUnderTest } from '../server-under-test.ts';
import { Project, until, type Json } from './project.ts';

let server: ServerUnderTest;
let shop: Project;

beforeAll(async () => {
  server = await ServerUnderTest.start();
  shop = await Project.first(server);
});
afterAll(() => server.stop());

const get = (path: string): Promise<Response> => fetch(`${server.url}${path}`);

it('the balance adds up at every instant, whatever comes', async () => {
  const looks: Json[] = [];
  let done = false;
  const watching = (async () => {
    while (!done) looks.push((await shop.api('/api/pipeline'))['balance'] as Json);
  })();
  let sent = 0;
  for (let round = 0; round < 30; round++) {
    const events: Json[] = Array.from({ length: 50 }, (_, i) => ({
      eventId: `b${round % 7}-${i}`,
      eventName: 'seen',
      userId: 'u',
    }));
    events.push(
      { eventId: 'bad' },
      { eventId: 'big', eventName: 'e', userId: 'u', properties: { text: 'x'.repeat(70_000) } },
    );
    await shop.post('/api/events/batch', { events });
    await shop.post('/api/events', '{half');
    sent += events.length + 1;
  }
  await shop.send([{ eventId: 'last', eventName: 'seen', userId: 'u' }]);
  sent++;
  await until(async () => (await shop.api('/api/pipeline'))['balance'].pending === 0, 'everything to be processed');
  done = true;
  await watching;
  const end = (await shop.api('/api/pipeline'))['balance'] as Json;
  expect(end).toMatchObject({
    received: sent,
    stored: 351,
    duplicate: 1_150,
    quarantined: 60,
    rejected: 30,
    filtered: 0,
    pending: 0,
    difference: 0,
  });
  expect(looks.length).toBeGreaterThan(3);
  for (const { received, stored, duplicate, quarantined, filtered, rejected, pending, difference } of looks) {
    expect([received, difference]).toEqual([stored + duplicate + quarantined + filtered + rejected + pending, 0]);
  }
});

it('/api/pipeline says lag, freshness, watermark, dedup window and disk', async () => {
  const pipeline = await shop.api('/api/pipeline');
  expect(pipeline).toMatchObject({
    lag: { records: 0 },
    log: {
      epoch: expect.any(String),
      partitions: [{ partition: 0, committedOffset: expect.any(Number), endOffset: expect.any(Number) }],
    },
    freshness: { p50Ms: expect.any(Number), p99Ms: expect.any(Number) },
    dedup: { ids: 351, windowStart: expect.any(String), memoryBytes: expect.any(Number) },
    disk: { freeBytes: expect.any(Number) },
  });
  // With a lag of 0 the watermark is now less the allowed lateness of 2 h.
  expect(Math.abs(Date.now() - 7_200_000 - Date.parse(pipeline['watermark']))).toBeLessThan(60_000);
  // Measured every few seconds at most.
  await until(async () => {
    const { stores } = (await shop.api('/api/pipeline'))['disk'] as { stores: Json };
    return ['log', 'warehouse', 'lake', 'control'].every((store) => stores[store] > 0);
  }, 'a size of each store');
});

it('/livez and /readyz are 200 and need no token', async () => {
  expect([(await get('/livez')).status, (await get('/readyz')).status]).toEqual([200, 200]);
});

it('/metrics is Prometheus text, every name begins with tidemark_, and counts what came', async () => {
  const response = await get('/metrics');
  expect(response.headers.get('content-type')).toMatch(/^text\/plain/);
  const text = await response.text();
  const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  for (const line of samples)
    expect(line).toMatch(
      /^tidemark_[a-z0-9_]+(\{([a-z_]+="(?:[^"\\\n]|\\.)*",?)*\})? (NaN|[+-]?Inf|[-+0-9.e]+)( \d+)?$/,
    );
  const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map((match) => match[1]);
  expect(names, 'each described once').toHaveLength(new Set(names).size);
  expect(new Set(samples.map((line) => line.replace(/ \S+$/, ''))).size, 'no series twice').toBe(samples.length);
  const wanted = [
    'tidemark_ingest_events_total',
    'tidemark_ingest_duration_seconds',
    'tidemark_ingest_requests_total',
    'tidemark_log_append_failures_total',
    'tidemark_processor_lag_events',
    'tidemark_processor_lag_seconds',
    'tidemark_processed_events_total',
    'tidemark_late_events_total',
    'tidemark_warehouse_write_duration_seconds',
    'tidemark_lake_write_failures_total',
    'tidemark_freshness_seconds',
    'tidemark_balance_difference_events',
    'tidemark_disk_bytes',
    'tidemark_watermark_timestamp_seconds',
  ];
  expect(wanted.filter((name) => !names.includes(name))).toEqual([]);
  expect(text).toMatch(/^tidemark_processed_events_total\{.*duplicate.*\} 1150$/m);
  expect(text).toMatch(/^tidemark_balance_difference_events(\{.*\})? 0$/m);
});

it('refused requests are counted in metrics and never as events', async () => {
  const before = (await shop.api('/api/pipeline'))['balance'];
  await shop.post('/api/events', {}, { authorization: 'Bearer nobody' });
  await shop.post('/api/events', '{}', { 'content-encoding': 'br' });
  await shop.post('/api/events', ' '.repeat(4 * 1024 * 1024 + 1));
  const text = await (await get('/metrics')).text();
  for (const status of [401, 413, 415])
    expect(text).toMatch(new RegExp(`^tidemark_ingest_requests_total\\{.*"${status}".*\\} [1-9]`, 'm'));
  expect((await shop.api('/api/pipeline'))['balance']).toEqual(before);
});

it('/openapi.json is OpenAPI 3.1, names every route, and every $ref in it leads somewhere', async () => {
  const document = (await (await get('/openapi.json')).json()) as Json;
  expect(document).toMatchObject({
    openapi: expect.stringMatching(/^3\.1\./),
    info: { title: expect.any(String), version: expect.any(String) },
  });
  const paths = Object.keys(document['paths']);
  for (const path of [
    '/api/events',
    '/api/events/batch',
    '/api/events/check',
    '/api/events/export',
    '/api/events/live',
    '/api/events/{eventId}',
    '/api/analytics/trend',
    '/api/analytics/funnel',
    '/api/analytics/paths/people',
    '/api/questions/trend/{name}',
    '/api/questions/cohort/{name}/versions',
    '/api/users/{id}/timeline',
    '/api/quarantine',
    '/api/pipeline',
    '/api/projects/{id}/settings',
    '/api/projects/{id}/sources',
    '/api/projects/{id}/keys',
    '/livez',
    '/readyz',
    '/metrics',
    '/openapi.json',
  ])
    expect(paths).toContain(path);
  const operations = Object.values(document['paths']).flatMap((path) => Object.values(path as Json));
  const ids = operations.map((operation) => operation.operationId);
  expect(ids).toHaveLength(new Set(ids).size);
  for (const [, ref] of JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)) {
    expect(
      ref!
        .split('/')
        .reduce((at: Json | undefined, key) => at?.[key.replaceAll('~1', '/').replaceAll('~0', '~')], document),
      ref,
    ).toBeDefined();
  }
  for (const [path, methods] of Object.entries(document['paths'])) {
    for (const operation of Object.values(methods as Json)) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]!);
      const described = (operation.parameters ?? [])
        .filter((each: Json) => each['in'] === 'path')
        .map((each: Json) => each['name'] as string);
      expect(described.toSorted(), path).toEqual(named.toSorted());
    }
  }
});

it('all else needs a token, and says so as a problem', async () => {
  for (const path of [
    '/api/pipeline',
    '/api/quarantine',
    '/api/projects',
    '/api/events/x',
    '/api/users/x/timeline',
    '/api/questions',
    '/api/analytics/trend?name=x',
  ]) {
    for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization: `Bearer ${shop.key}` }] as Record<
      string,
      string
    >[]) {
      const response = await fetch(`${server.url}${path}`, { headers });
      expect([path, response.status, ((await response.json()) as Json)['code']]).toEqual([path, 401, 'unauthorized']);
    }
  }
});

it('what is not there is 404, and what is not JSON 400', async () => {
  expect((await shop.api('/api/nothing', undefined, { status: 404 }))['code']).toBe('not_found');
  // Each time: an answer that comes before the whole request is read must not get lost on the way from the engine.
  for (let i = 0; i < 100; i++) {
    expect((await shop.request('/api/analytics/trend', { body: '{' })).status).toBe(400);
  }
});

it('GET / is one page that asks nobody else for anything', async () => {
  const response = await get('/');
  expect([response.status, response.headers.get('content-type')]).toEqual([200, expect.stringMatching(/^text\/html/)]);
  const page = await response.text();
  expect(page.trimEnd().split('\n').length).toBeLessThan(300);
  expect(page).not.toMatch(/(src|href)="(https?:)?\/\//);
  expect(response.headers.get('content-security-policy')).toBeTruthy();
});

it('/readyz names the part that is away; intake goes on; questions are 503 with Retry-After; all is there afterwards', async () => {
  expect(server.signal('engine', 'SIGSTOP')).toBe(true);
  try {
    const response = await fetch(`${server.url}/readyz`, { signal: AbortSignal.timeout(15_000) });
    expect([response.status, ((await response.json()) as Json)['part']]).toEqual([503, 'engine']);
    expect((await get('/livez')).status).toBe(200);
    await shop.send([{ eventId: 'meanwhile-1', eventName: 'seen', userId: 'u' }]);
  } finally {
    server.signal('engine', 'SIGCONT');
  }
  expect(server.kill('engine')).toBe(true);
  await shop.send([{ eventId: 'meanwhile-2', eventName: 'seen', userId: 'u' }]);
  let unavailable: Response | undefined;
  await until(async () => {
    const response = await shop.request('/api/pipeline');
    if (response.status === 503) unavailable = response;
    return response.ok;
  }, 'the engine to come back');
  if (unavailable !== undefined) {
    expect(Number(unavailable.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(((await unavailable.json()) as Json)['code']).toMatch(/^(engine_unavailable|not_ready)$/);
  }
  for (const id of ['meanwhile-1', 'meanwhile-2']) expect(await shop.stored(id)).toMatchObject({ eventId: id });
  await until(async () => (await shop.api('/api/pipeline'))['balance'].pending === 0, 'everything to be processed');
  expect((await shop.api('/api/pipeline'))['balance']).toMatchObject({ pending: 0, difference: 0 });
});
