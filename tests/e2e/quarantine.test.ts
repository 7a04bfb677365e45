/** One event followed, what was refused and why, and trying things out (DESIGN 5: trace, quarantine, check). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ServerUnderTest } from '../server-under-test.ts';
import { Project, until, type Json } from './project.ts';

let server: ServerUnderTest;
let shop: Project;
let other: Project;

beforeAll(async () => {
  server = await ServerUnderTest.start();
  shop = await Project.first(server);
  other = await Project.create(server, 'Other');
});
afterAll(() => server.stop());

/** Posts what is wrong and waits until it is listed. */
async function refuse(path: string, body: unknown, project = shop): Promise<Json> {
  const response = await project.post(path, body);
  const answer = (await response.json()) as Json;
  project.receivedAt = answer['receivedAt'];
  await until(async () => (await project.api('/api/pipeline'))['balance'].pending === 0, 'the quarantine');
  return answer;
}

describe('the trace of an event', () => {
  it('that is stored: position, outcome, corrected time, person', async () => {
    const now = Date.now();
    await shop.send([{ eventId: 'tr/1 ü', eventName: 'seen', userId: 'u1', timestamp: now - 600_000 }], {
      sentAt: now - 600_000,
    });
    await shop.settled();
    const trace = await shop.api(`/api/events/${encodeURIComponent('tr/1 ü')}`);
    expect(trace).toMatchObject({
      eventId: 'tr/1 ü',
      outcome: 'stored',
      receivedAt: shop.receivedAt,
      personId: expect.any(String),
      source: 'default',
      position: { epoch: expect.any(String), partition: 0, offset: expect.any(Number) },
      time: {
        original: new Date(now - 600_000).toISOString(),
        corrected: new Date(now).toISOString(),
        correctedByMs: 600_000,
      },
    });
  });
  it('that is quarantined: the reasons and the fixes', async () => {
    await refuse('/api/events', { eventId: 'tr-2', eventName: 'seen', userId: 'null' });
    const trace = await shop.api('/api/events/tr-2');
    expect(trace).toMatchObject({ eventId: 'tr-2', outcome: 'quarantined', refusals: [{ code: 'illegal_id' }] });
    expect(trace['refusals'][0].reasons[0]).toMatchObject({
      field: 'userId',
      code: 'illegal_id',
      fix: expect.any(String),
      documentation: expect.any(String),
    });
  });
  it('that was refused and then sent again rightly: stored', async () => {
    await refuse('/api/events', { eventId: 'tr-3' });
    await shop.send([{ eventId: 'tr-3', eventName: 'seen', userId: 'u1' }]);
    await shop.settled();
    expect(await shop.api('/api/events/tr-3')).toMatchObject({ outcome: 'stored', refusals: [{ eventId: 'tr-3' }] });
  });
  it('that nobody sent: 404 that says so', async () => {
    expect((await shop.api('/api/events/never-sent', undefined, { status: 404 }))['code']).toBe('event_not_found');
  });
});

describe('quarantine', () => {
  it('has the original bytes, whatever they are', async () => {
    const bytes = Buffer.concat([
      Buffer.from('{"eventId":"q-bytes","eventName":"'),
      Buffer.from([0xff, 0xfe, 0x00]),
      Buffer.from('","userId":"u"}'),
    ]);
    await refuse('/api/events', bytes);
    const { events } = await shop.api('/api/quarantine?limit=1');
    expect(events[0].encoding).toBe('base64');
    expect(Buffer.from(events[0].original, 'base64').equals(bytes)).toBe(true);
    const text = ' { "eventId" : "q-text",\n"eventName":"", "userId":"ü" } ';
    await refuse('/api/events', text);
    expect((await shop.api('/api/quarantine?limit=1'))['events'][0]).toMatchObject({
      eventId: 'q-text',
      original: text,
      encoding: 'utf8',
    });
    await refuse('/api/events', '{"a":');
    expect((await shop.api('/api/quarantine?code=invalid_json&limit=1'))['events'][0]).toMatchObject({
      original: '{"a":',
      code: 'invalid_json',
    });
  });
  it("has of a batch each bad event's own bytes", async () => {
    await refuse(
      '/api/events/batch',
      '{"events":[ {"eventId":"q-a"} , {"eventId":"ok-1","eventName":"seen","userId":"u"},\n"q-b" ]}',
    );
    const { events } = await shop.api('/api/quarantine?limit=2');
    expect(events.map((each: Json) => each['original']).toSorted()).toEqual(['"q-b"', '{"eventId":"q-a"}']);
  });
  it('is paged exactly, newest first, and narrowed by code and time', async () => {
    const before = new Date(Date.parse(shop.receivedAt) + 1).toISOString();
    await refuse('/api/events/batch', {
      events: Array.from({ length: 25 }, (_, i) => ({ eventId: `p${i}`, eventName: 'seen' })),
    });
    await refuse('/api/events/batch', {
      events: Array.from({ length: 3 }, (_, i) => ({ eventId: `r${i}`, userId: 'u' })),
    });
    const got: string[] = [];
    let times: string[] = [];
    for (let cursor: string | null | undefined; cursor !== null;) {
      const more = cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const page: Json = await shop.api(`/api/quarantine?code=missing_identity&from=${before}&limit=7${more}`);
      got.push(...page['events'].map((each: Json) => each['eventId']));
      times = times.concat(page['events'].map((each: Json) => each['receivedAt']));
      cursor = page['nextCursor'] as string | null;
    }
    expect(got.toSorted()).toEqual(Array.from({ length: 25 }, (_, i) => `p${i}`).toSorted());
    expect(times).toEqual(times.toSorted().toReversed());
    expect((await shop.api(`/api/quarantine?from=${before}`))['codes']).toEqual([
      { code: 'missing_identity', events: 25 },
      { code: 'missing_event_name', events: 3 },
    ]);
  });
  it.each(['cursor=x', 'limit=0', 'limit=1001', 'from=soon', 'kode=x'])('?%s is 400', async (query) => {
    expect((await shop.request(`/api/quarantine?${query}`)).status).toBe(400);
  });
});

describe('check', () => {
  it('says what would be stored, and stores nothing', async () => {
    const before = await shop.api('/api/pipeline');
    const good = {
      eventId: 'c1',
      eventName: 'seen',
      userId: 'u1',
      properties: { n: 1 },
      context: { userAgent: 'Googlebot/2.1' },
    };
    expect(await shop.api('/api/events/check', good)).toMatchObject({
      eventId: 'c1',
      outcome: 'stored',
      wouldStore: true,
      reasons: [],
      event: { eventId: 'c1', bot: true, properties: { n: 1 }, timestamp: expect.any(String) },
    });
    const bad = await shop.api('/api/events/check', { eventId: 'c2', userId: 'null' });
    expect(bad).toMatchObject({ outcome: 'quarantined', wouldStore: false });
    expect(bad['reasons'].map((each: Json) => each['code']).toSorted()).toEqual(['illegal_id', 'missing_event_name']);
    for (const id of ['c1', 'c2']) await shop.api(`/api/events/${id}`, undefined, { status: 404 });
    await shop.settled();
    expect((await shop.api('/api/pipeline'))['balance']).toEqual(before['balance']);
  });
  it('knows a duplicate, and an event too large', async () => {
    await shop.send([{ eventId: 'c3', eventName: 'seen', userId: 'u1' }]);
    await shop.settled();
    expect(await shop.api('/api/events/check', { eventId: 'c3', eventName: 'seen', userId: 'u1' })).toMatchObject({
      outcome: 'duplicate',
      wouldStore: false,
    });
    expect(
      await shop.api('/api/events/check', {
        eventId: 'c4',
        eventName: 'seen',
        userId: 'u1',
        properties: { text: 'x'.repeat(70_000) },
      }),
    ).toMatchObject({ outcome: 'rejected' });
  });
  it('agrees with the door about every event', async () => {
    const events: unknown[] = [
      7,
      null,
      [],
      {},
      { eventId: 'd', eventName: 'e', userId: 'guest' },
      { eventId: 'd', eventName: 'e', userId: 'u', timestamp: 'x' },
      { eventId: 'd'.repeat(201), eventName: 'e', userId: 'u' },
    ];
    const said = await shop.api('/api/events/check', { events });
    const done = await refuse('/api/events/batch', { events });
    expect(said['results'].map((each: Json) => each['reasons'][0].code)).toEqual(
      done['rejected'].map((each: Json) => each['code']),
    );
  });
  it('takes a write key too, and a plain-text body, but no stranger', async () => {
    const body = { eventId: 'c5', eventName: 'seen', userId: 'u1' };
    expect((await shop.post('/api/events/check', body, { 'content-type': 'text/plain' })).status).toBe(200);
    expect((await shop.post('/api/events/check', body, { authorization: 'Bearer nobody' })).status).toBe(401);
    expect((await shop.request('/api/events/check', { body: '{"half' })).status).toBe(400);
  });
});

describe("another project's token", () => {
  it('sees nothing of ours, anywhere; the same eventId is an event of its own', async () => {
    await shop.send([{ eventId: 'shared', eventName: 'ours', userId: 'u-ours' }]);
    await refuse('/api/events', { eventId: 'shared-bad' });
    await other.send([{ eventId: 'shared', eventName: 'theirs', userId: 'u-theirs' }]);
    await other.settled();
    expect(await other.stored('shared')).toMatchObject({ eventName: 'theirs' });
    expect(await shop.stored('shared')).toMatchObject({ eventName: 'ours' });
    await other.api('/api/events/shared-bad', undefined, { status: 404 });
    expect((await other.api('/api/quarantine'))['events']).toEqual([]);
    expect((await other.api('/api/users/u-ours/timeline'))['events']).toEqual([]);
    expect((await other.export()).map((each) => each['eventName'])).toEqual(['theirs']);
    expect((await other.ask('trend', { series: [{ event: 'ours' }] }))['series'][0].total).toBe(0);
    expect((await other.api('/api/pipeline'))['balance']).toMatchObject({ received: 1, stored: 1, quarantined: 0 });
  });
});
