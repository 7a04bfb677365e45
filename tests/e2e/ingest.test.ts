/** Collecting as senders see it: answers, places of the key, encodings, beacons, CORS (DESIGN 5, Ingest). */
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ServerUnderTest } from '../server-under-test.ts';
import { Project, type Json } from './project.ts';

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

describe('one event', () => {
  it('is answered 202 with exactly status, eventId and receivedAt, and is there then', async () => {
    const sent = event();
    const before = Date.now();
    const response = await project.post('/api/events', sent);
    expect(response.status).toBe(202);
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    const answer = (await response.json()) as Json;
    expect(answer).toEqual({ status: 'accepted', eventId: sent['eventId'], receivedAt: expect.any(String) });
    expect(answer['receivedAt']).toBe(new Date(answer['receivedAt']).toISOString());
    expect(Math.abs(Date.parse(answer['receivedAt']) - before)).toBeLessThan(5_000);
    project.receivedAt = answer['receivedAt'];
    expect(await project.stored(sent['eventId'])).toMatchObject({
      eventId: sent['eventId'],
      receivedAt: answer['receivedAt'],
    });
  });

  it('that is wrong is answered 400 with every reason, and is in quarantine as it came', async () => {
    const body = '{ "eventId": "wrong-1", "eventName": "", "userId":"null", "properties": [1] }';
    const response = await project.post('/api/events', body);
    expect(response.status).toBe(400);
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    const problem = (await response.json()) as Json;
    expect(problem).toMatchObject({ status: 400, code: expect.stringMatching(/^[a-z_]+$/), title: expect.any(String) });
    expect(problem['errors'].map((each: Json) => each['field']).sort()).toEqual(['eventName', 'properties', 'userId']);
    project.receivedAt = problem['receivedAt'];
    await project.settled();
    const trace = await project.api('/api/events/wrong-1');
    expect(trace).toMatchObject({ outcome: 'quarantined' });
    expect(trace['refusals'][0]['original']).toBe(body);
  });

  it.each([
    ['an array', '[]'],
    ['a number', '7'],
    ['null', 'null'],
    ['text', '"hello"'],
    ['nothing', ''],
    ['half an object', '{"eventId":"h'],
  ])('that is %s is 400 and quarantined, never 2xx or 500', async (_what, body) => {
    const response = await project.post('/api/events', body);
    expect(response.status).toBe(400);
    expect(((await response.json()) as Json)['quarantined']).toBe(true);
  });

  it('over 64 KB is 413', async () => {
    const response = await project.post('/api/events', event({ properties: { text: 'x'.repeat(65 * 1024) } }));
    expect([response.status, ((await response.json()) as Json)['code']]).toEqual([413, 'event_too_large']);
  });

  it('of 60 KB is taken', async () => {
    expect((await project.post('/api/events', event({ properties: { text: 'x'.repeat(60 * 1024) } }))).status).toBe(
      202,
    );
  });
});

describe('a batch', () => {
  it('keeps good events beside bad ones and says of each bad one why', async () => {
    const good = [event(), event()];
    const response = await project.post('/api/events/batch', { events: [good[0], { eventId: 'bad-1' }, good[1], 5] });
    expect(response.status).toBe(202);
    const answer = (await response.json()) as Json;
    expect(answer).toMatchObject({ accepted: 2, receivedAt: expect.any(String) });
    expect(answer['rejected']).toMatchObject([
      { index: 1, eventId: 'bad-1', code: 'missing_event_name', detail: expect.any(String), quarantined: true },
      { index: 3, code: 'not_an_object', detail: expect.any(String), quarantined: true },
    ]);
    project.receivedAt = answer['receivedAt'];
    for (const each of good) expect(await project.stored(each['eventId'])).toMatchObject(each);
  });

  it('may be empty, or wholly bad: 202', async () => {
    const empty = await project.post('/api/events/batch', { events: [] });
    expect([empty.status, await empty.json()]).toEqual([
      202,
      { accepted: 0, receivedAt: expect.any(String), rejected: [] },
    ]);
    const bad = await project.post('/api/events/batch', { events: [{}, null, 'x', [], 1] });
    expect([bad.status, ((await bad.json()) as Json)['rejected'].length]).toEqual([202, 5]);
  });

  it('accepts a duplicate', async () => {
    const twice = event();
    await project.send([twice]);
    await project.send([twice, twice]);
    expect((await project.export()).filter((each) => each['eventId'] === twice['eventId'])).toHaveLength(1);
  });

  it.each(['{"events":{}}', '{"sentAt":1}', '[]', '"events"', '{"events":[', ''])(
    'that is none (%s) is 400',
    async (body) => {
      expect((await project.post('/api/events/batch', body)).status).toBe(400);
    },
  );

  it('does not lose good events to one over the event limit', async () => {
    const small = event();
    const huge = event({ properties: { text: 'x'.repeat(70_000) } });
    const response = await project.post('/api/events/batch', { events: [huge, small] });
    expect(response.status).toBe(202);
    expect(await response.json()).toMatchObject({
      accepted: 1,
      rejected: [{ index: 0, code: 'event_too_large', quarantined: false }],
    });
  });

  it('of more than 5,000 events is 413', async () => {
    const events = Array.from({ length: 5_001 }, () => 0);
    expect((await project.post('/api/events/batch', { events })).status).toBe(413);
  });
});

describe('the key', () => {
  const places: [string, (key: string) => [path: string, body: Json, headers: Record<string, string>]][] = [
    ['Bearer', (key) => ['/api/events', event(), { authorization: `Bearer ${key}` }]],
    ['bearer in small letters', (key) => ['/api/events', event(), { authorization: `bearer ${key}` }]],
    [
      'Basic K:',
      (key) => ['/api/events', event(), { authorization: `Basic ${Buffer.from(`${key}:`).toString('base64')}` }],
    ],
    ['writeKey in the query', (key) => [`/api/events?writeKey=${key}`, event(), { authorization: '' }]],
    ['writeKey in the body', (key) => ['/api/events', event({ writeKey: key }), { authorization: '' }]],
    [
      "writeKey in a batch's body",
      (key) => ['/api/events/batch', { writeKey: key, events: [event()] }, { authorization: '' }],
    ],
    ['K:anything', (key) => ['/api/events', event(), { authorization: `Bearer ${key}:us-east` }]],
  ];
  it.each(places)('is taken as %s', async (_place, request) => {
    expect((await project.post(...request(project.key))).status).toBe(202);
  });
  it.each(places)('that is unknown is 401 as %s', async (_place, request) => {
    const response = await project.post(...request('cwrongwrongwrongwrongwron'));
    expect([response.status, ((await response.json()) as Json)['code']]).toEqual([401, 'unknown_write_key']);
  });
  it('may not be absent, nor be an API token', async () => {
    expect((await project.post('/api/events', event(), { authorization: '' })).status).toBe(401);
    expect((await project.post('/api/events', event(), { authorization: `Bearer ${project.token}` })).status).toBe(401);
  });
  it('of the body is not stored with the event', async () => {
    const sent = event({ writeKey: project.key });
    await project.post('/api/events', sent, { authorization: '' });
    await project.send([event()]);
    expect(JSON.stringify(await project.stored(sent['eventId']))).not.toContain(project.key);
  });
});

describe('bodies are judged by content', () => {
  const packed = (): Buffer => gzipSync(JSON.stringify(event()));
  it.each<[string, Record<string, string>]>([
    ['with Content-Encoding: gzip', { 'content-encoding': 'gzip' }],
    ['without any header', {}],
    ['as text/plain', { 'content-type': 'text/plain' }],
  ])('gzip %s', async (_how, headers) => {
    expect((await project.post('/api/events', packed(), headers)).status).toBe(202);
  });
  it.each(['text/plain;charset=UTF-8', 'application/x-www-form-urlencoded', 'application/octet-stream', 'image/gif'])(
    'JSON as %s',
    async (type) => {
      expect((await project.post('/api/events', event(), { 'content-type': type })).status).toBe(202);
    },
  );
  it('plain JSON under Content-Encoding gzip or identity', async () => {
    expect((await project.post('/api/events', event(), { 'content-encoding': 'identity' })).status).toBe(202);
    expect((await project.post('/api/events', event(), { 'content-encoding': 'gzip' })).status).toBe(202);
  });
  it.each(['br', 'deflate', 'zstd', 'gzip, gzip'])('Content-Encoding %s is 415', async (encoding) => {
    const response = await project.post('/api/events', event(), { 'content-encoding': encoding });
    expect([response.status, ((await response.json()) as Json)['code']]).toEqual([415, 'unsupported_encoding']);
  });
  it('a beacon: text/plain from a page, the key in the query, ids kept to the letter', async () => {
    const sent = event({ anonymousId: ' Ünïcödé 🎉 ' });
    const response = await fetch(`${server.url}/api/events?writeKey=${project.key}`, {
      method: 'POST',
      body: JSON.stringify(sent),
      headers: { 'content-type': 'text/plain;charset=UTF-8', origin: 'https://shop.example' },
    });
    expect(response.status).toBe(202);
    await project.send([event()]);
    expect((await project.stored(sent['eventId']))['anonymousId']).toBe(sent['anonymousId']);
  });
});

describe('CORS', () => {
  it.each(['/api/events', '/api/events/batch'])('a preflight of %s is answered', async (path) => {
    const response = await fetch(`${server.url}${path}`, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://shop.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type,x-custom',
      },
    });
    expect([200, 204]).toContain(response.status);
    expect(response.headers.get('access-control-allow-origin')).toBe('https://shop.example');
    expect(response.headers.get('access-control-allow-methods')).toContain('POST');
    expect(response.headers.get('access-control-allow-headers')).toMatch(/authorization.*content-type.*x-custom/);
  });
  it('answers, refusals too, can be read by the page', async () => {
    for (const headers of [{}, { authorization: 'Bearer wrong' }]) {
      const response = await project.post('/api/events', event(), { origin: 'https://shop.example', ...headers });
      expect(response.headers.get('access-control-allow-origin')).toBe('https://shop.example');
      expect(response.headers.get('vary')).toMatch(/origin/i);
    }
  });
});

it('other methods on the ingest addresses are 405 with Allow', async () => {
  for (const method of ['GET', 'PUT', 'DELETE']) {
    const response = await fetch(`${server.url}/api/events/batch`, { method });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toContain('POST');
  }
});
