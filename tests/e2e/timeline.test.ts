/** The ordered actions of a person, paged and whole (DESIGN 5, timeline). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ServerUnderTest } from '../server-under-test.ts';
import { Project, type Json } from './project.ts';

let server: ServerUnderTest;
let shop: Project;

const START = Date.parse('2026-03-02T10:00:00Z');
/** Of one person with two devices: 30 events, three of each millisecond, in no order. */
const sent: Json[] = Array.from({ length: 30 }, (_, i) => ({
  eventId: `t${(i * 7) % 30}`,
  eventName: 'step',
  timestamp: START + Math.floor(i / 3),
  sequence: (i * 2) % 3,
  ...(i % 2 === 0 ? { anonymousId: 'phone', userId: 'u/1 ü' } : { anonymousId: 'laptop' }),
}));
const inOrder = sent.toSorted(
  (a, b) => a['timestamp'] - b['timestamp'] || a['sequence'] - b['sequence'] || (a['eventId'] < b['eventId'] ? -1 : 1),
);
const ids = (events: Json[]): string[] => events.map((event) => event['eventId'] as string);

beforeAll(async () => {
  server = await ServerUnderTest.start();
  shop = await Project.first(server);
  await shop.send(sent.slice(10));
  await shop.send(sent.slice(0, 10));
  await shop.send([
    {
      eventId: 'login',
      eventName: 'login',
      type: 'identify',
      anonymousId: 'laptop',
      userId: 'u/1 ü',
      timestamp: START + 60_000,
    },
    { eventId: 'server-side', eventName: 'invoice', userId: 'u/1 ü', timestamp: START + 61_000 },
    { eventId: 'other', eventName: 'step', userId: 'u2', timestamp: START },
    {
      eventId: 'crawl',
      eventName: 'step',
      anonymousId: 'crawler',
      timestamp: START,
      context: { userAgent: 'Googlebot/2.1' },
    },
  ]);
  await shop.settled();
});
afterAll(() => server.stop());

const timeline = (id: string, query: Json = {}): Promise<Json> =>
  shop.api(
    `/api/users/${encodeURIComponent(id)}/timeline?${new URLSearchParams({ from: '2026-03-01', to: '2026-03-05', ...query })}`,
  );
const whole = [...ids(inOrder), 'login', 'server-side'];

it.each(['u/1 ü', 'phone', 'laptop'])(
  'by any id of the person (%s): all of its events, by (time, sequence, eventId) (rules I3, L1)',
  async (id) => {
    const { events, nextCursor } = await timeline(id);
    expect(ids(events)).toEqual(whole);
    expect(nextCursor).toBeNull();
    expect(new Set(events.map((event: Json) => event['personId'])).size).toBe(1);
  },
);

it.each(['asc', 'desc'])('pages are exact, whatever their size (%s; rule L1)', async (order) => {
  const expected = order === 'asc' ? whole : whole.toReversed();
  for (const limit of [1, 7, 32, 33]) {
    const got: string[] = [];
    let cursor: string | null | undefined;
    let pages = 0;
    for (; cursor !== null; pages++) {
      const page: Json = await timeline('phone', {
        order,
        limit: String(limit),
        ...(cursor === undefined ? {} : { cursor }),
      });
      expect(page['events'].length).toBeLessThanOrEqual(limit);
      got.push(...ids(page['events']));
      cursor = page['nextCursor'] as string | null;
    }
    expect(got, `in pages of ${limit}`).toEqual(expected);
    expect(pages).toBe(Math.ceil(expected.length / limit));
  }
});

it('an event that comes while somebody pages changes no page behind the cursor', async () => {
  const first = await timeline('phone', { limit: '10' });
  await shop.send([{ eventId: 'early', eventName: 'step', userId: 'u/1 ü', timestamp: START - 1_000 }]);
  await shop.settled();
  const second = await timeline('phone', { limit: '100', cursor: first['nextCursor'] });
  expect([...ids(first['events']), ...ids(second['events'])]).toEqual(whole);
});

it('waits for what it is asked to wait for, and tells how far it goes', async () => {
  for (let n = 0; n < 5; n++) {
    const receivedAt = await shop.send([{ eventId: `fresh${n}`, eventName: 'step', anonymousId: 'fresh', timestamp: START + n }]);
    const { events, meta } = await timeline('fresh', { waitFor: receivedAt });
    expect(ids(events).at(-1)).toBe(`fresh${n}`);
    expect([Date.parse(meta.asOf) >= Date.parse(receivedAt), Date.parse(meta.completeThrough) < Date.parse(meta.asOf)]).toEqual([true, true]);
    expect(meta.provisionalFrom).toBeNull();
    const open = (await timeline('fresh', { to: '2100-01-01' })).meta;
    expect(open.provisionalFrom).toBe(open.completeThrough);
  }
});

describe('its bounds', () => {
  it('`from` is inclusive, `to` exclusive', async () => {
    const { events } = await timeline('phone', {
      from: new Date(START + 1).toISOString(),
      to: new Date(START + 3).toISOString(),
    });
    expect(ids(events)).toEqual(
      ids(inOrder.filter((event) => event['timestamp'] > START && event['timestamp'] < START + 3)),
    );
  });
  it('100 events unless asked, 1,000 at most', async () => {
    await shop.send(
      Array.from({ length: 1_100 }, (_, i) => ({
        eventId: `m${i}`,
        eventName: 'many',
        userId: 'busy',
        timestamp: START + i,
      })),
    );
    await shop.settled();
    expect((await timeline('busy'))['events']).toHaveLength(100);
    expect((await timeline('busy', { limit: '1000' }))['events']).toHaveLength(1_000);
    for (const limit of ['1001', '0', '-1', 'all', '1.5']) {
      const response = await shop.request(`/api/users/busy/timeline?limit=${limit}`);
      expect([limit, response.status]).toEqual([limit, 400]);
    }
  });
  it('the last hour is asked for as -1h', async () => {
    await shop.send([{ eventId: 'just-now', eventName: 'step', userId: 'recent' }]);
    await shop.settled();
    expect(ids((await shop.api('/api/users/recent/timeline?from=-1h'))['events'])).toEqual(['just-now']);
  });
});

it('bots are in it, flagged', async () => {
  expect((await timeline('crawler'))['events']).toMatchObject([{ eventId: 'crawl', bot: true }]);
});

it('of nobody is empty; a made-up cursor, order or field is 400', async () => {
  expect(await timeline('nobody')).toEqual({ events: [], nextCursor: null, meta: { asOf: expect.any(String), completeThrough: expect.any(String), provisionalFrom: null } });
  for (const query of ['cursor=made-up', 'cursor=W10', 'cursor=', 'order=up', 'form=today', 'from=soon', 'waitFor=soon']) {
    const response = await shop.request(`/api/users/phone/timeline?${query}`);
    expect([query, response.status]).toEqual([query, 400]);
  }
});

it('a user named as a device is another person (rule I3)', async () => {
  await shop.send([
    { eventId: 'n1', eventName: 'step', userId: 'same', timestamp: START },
    { eventId: 'n2', eventName: 'step', anonymousId: 'same', userId: 'owner', timestamp: START },
  ]);
  await shop.settled();
  expect(ids((await timeline('owner'))['events'])).toEqual(['n2']);
});
