/** Files of events (DESIGN 5, export). */
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ServerUnderTest } from '../server-under-test.ts';
import { Project, type Json } from './project.ts';

let server: ServerUnderTest;
let shop: Project;

const sent: Json[] = [
  {
    eventId: 'x1',
    eventName: 'view',
    userId: 'u1',
    timestamp: '2026-03-02T10:00:00.000Z',
    sequence: 7,
    properties: { text: 'a "b", c\nd', n: 1.5 },
    traits: { plan: 'pro' },
  },
  {
    eventId: 'x2',
    eventName: 'view',
    anonymousId: 'a1',
    timestamp: '2026-03-02T11:00:00.000Z',
    context: { userAgent: 'Googlebot/2.1' },
  },
  {
    eventId: 'x3',
    eventName: 'pay',
    userId: 'ü,"1"',
    sessionId: 's',
    timestamp: '2026-03-02T12:00:00.001Z',
    schemaVersion: '3',
  },
  { eventId: 'x4', eventName: 'pay', userId: 'u1', timestamp: '2026-03-03T00:00:00.000Z' },
];
const DAY = { from: '2026-03-02', to: '2026-03-03' };
const ids = (events: Json[]): string[] => events.map((event) => event['eventId'] as string).toSorted();

beforeAll(async () => {
  server = await ServerUnderTest.start();
  shop = await Project.first(server);
  await shop.send(sent);
  await shop.settled();
});
afterAll(() => server.stop());

async function file(request: Json): Promise<{ type: string; body: Buffer }> {
  const response = await shop.request('/api/events/export', { body: request });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-length'), 'streamed').toBeNull();
  return { type: response.headers.get('content-type')!, body: Buffer.from(await response.arrayBuffer()) };
}

it('ndjson: one event a line, as the trace shows it; `to` exclusive, bots included', async () => {
  const { type, body } = await file({ format: 'ndjson', ...DAY });
  expect(type).toMatch(/ndjson/);
  const events = body
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Json);
  expect(ids(events)).toEqual(['x1', 'x2', 'x3']);
  for (const event of events) expect(event).toEqual(await shop.stored(event['eventId']));
});

it('csv: a head of top-level columns, properties and context as JSON', async () => {
  const { type, body } = await file({ format: 'csv', ...DAY });
  expect(type).toMatch(/text\/csv/);
  const rows = parse(body, { columns: true }) as Record<string, string>[];
  expect(ids(rows)).toEqual(['x1', 'x2', 'x3']);
  const [first, , third] = rows.toSorted((a, b) => (a['eventId']! < b['eventId']! ? -1 : 1)) as [Json, Json, Json];
  expect(first).toMatchObject({
    eventName: 'view',
    type: 'track',
    userId: 'u1',
    anonymousId: '',
    timestamp: '2026-03-02T10:00:00.000Z',
    sequence: '7',
    source: 'default',
    bot: 'false',
  });
  expect(JSON.parse(first['properties'])).toEqual(sent[0]!['properties']);
  expect(JSON.parse(first['context'])).toEqual((await shop.stored('x1'))['context']);
  expect(third).toMatchObject({ userId: 'ü,"1"', sessionId: 's', schemaVersion: '3', sequence: '' });
});

it('parquet: a whole file', async () => {
  const { body } = await file({ format: 'parquet', ...DAY });
  expect([body.subarray(0, 4).toString(), body.subarray(-4).toString()]).toEqual(['PAR1', 'PAR1']);
  expect(body.length).toBeGreaterThan(500);
});

describe('where', () => {
  it('narrows it', async () => {
    expect(ids(await shop.export({ ...DAY, where: [{ property: 'eventName', op: '=', value: 'view' }] }))).toEqual([
      'x1',
      'x2',
    ]);
    expect(ids(await shop.export({ ...DAY, where: [{ property: 'properties.n', op: 'is_not_set' }] }))).toEqual([
      'x2',
      'x3',
    ]);
  });
  it('of nothing gives an empty ndjson, and a csv that has its head', async () => {
    const nothing = { ...DAY, where: [{ property: 'eventName', op: '=', value: 'never' }] };
    expect(await shop.export(nothing)).toEqual([]);
    expect((await file({ format: 'csv', ...nothing })).body.toString()).toMatch(/^"?eventId"?,.*\n$/);
  });
});

it('more than a chunk comes whole', async () => {
  const many = Array.from({ length: 5_000 }, (_, i) => ({
    eventId: `m${i}`,
    eventName: 'many',
    userId: 'u',
    timestamp: '2026-04-01T00:00:00Z',
    properties: { text: `ü${'x'.repeat(i % 500)}` },
  }));
  await shop.send(many);
  const events = await shop.export({ from: '2026-04-01', to: '2026-04-02' });
  expect(new Set(ids(events)).size).toBe(5_000);
  expect(
    events.every((event) => event['properties'].text.length === 1 + (Number(event['eventId'].slice(1)) % 500)),
  ).toBe(true);
});

it.each<Json>([
  { format: 'xml' },
  { from: 'soon' },
  { fields: [] },
  { where: [{ property: 'session.length', op: 'is_set' }] },
])('%j is 400', async (body) => {
  expect((await shop.request('/api/events/export', { body })).status).toBe(400);
});

it('L2: it waits for what was acknowledged, and its headers tell how far it is complete, as `meta` of a question does', async () => {
  const lateAt = '2026-03-05T10:00:00.000Z';
  for (let n = 0; n < 5; n++) {
    const waitFor = await shop.send([{ eventId: `late${n}`, eventName: 'late', userId: 'u9', timestamp: lateAt }]);
    const response = await shop.request('/api/events/export', { body: { from: '2026-03-05', to: '2026-03-06', waitFor } });
    expect((await response.text()).trimEnd().split('\n').length).toBe(n + 1);
    const [asOf, through, provisional] = ['as-of', 'complete-through', 'provisional-from'].map((name) => response.headers.get(`tidemark-${name}`));
    expect(Date.parse(asOf!)).toBeGreaterThanOrEqual(Date.parse(waitFor));
    expect(Date.parse(through!)).toBeLessThan(Date.parse(asOf!));
    expect(provisional).toBeNull();
  }
  const open = await shop.request('/api/events/export', { body: { range: 'today' } });
  await open.arrayBuffer();
  expect(Date.parse(open.headers.get('tidemark-provisional-from')!)).toBeLessThanOrEqual(Date.parse(open.headers.get('tidemark-as-of')!));
});
