import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestEngine, WRITE_KEY } from '../testing/engine.ts';

let engine: TestEngine;
const NOW = Date.now();
const at = (seconds: number) => new Date(NOW - 3_000_000 + seconds * 1000).toISOString();
/** Legal JSON that is easily spoilt on the way: numbers, dots in keys, escapes, an id that needs encoding. */
const hostile = { 'a.b': 1, n: 1e21, text: '"\\\n\u0000😀</script>', nothing: null, deep: { x: [1, { y: '' }] } };

beforeAll(async () => {
  engine = await TestEngine.start();
  await engine.collect([
    { eventId: 'e1', eventName: 'view', anonymousId: 'phone', timestamp: at(1), properties: hostile },
    { eventId: 'e2', eventName: 'login', anonymousId: 'phone', userId: 'ada', timestamp: at(2), sequence: 7 },
    {
      eventId: 'e3/é?',
      eventName: 'buy',
      userId: 'ada',
      timestamp: at(3),
      sentAt: new Date(NOW + 600_000).toISOString(),
    },
    { eventId: 'bad1', eventName: 'buy', userId: 'undefined', timestamp: 'yesterday' },
    { eventName: 'nameless' },
  ]);
  await engine.settled();
});
afterAll(() => engine.stop());

describe('GET /api/users/{id}/timeline', () => {
  it('shows the ordered actions of a person by any id of hers', async () => {
    for (const id of ['ada', 'phone']) {
      const { events, nextCursor } = (await engine.call('GET', `/api/users/${id}/timeline?from=-2h`)).json();
      expect(events.map((event: { eventName: string }) => event.eventName)).toEqual(
        ['buy', 'view', 'login'].sort((a, b) => order(events, a, b)),
      );
      expect(events).toHaveLength(3);
      expect(events.every((event: { personId: string }) => event.personId === 'ada')).toBe(true);
      expect(nextCursor).toBeNull();
    }
  });

  it('gives properties back as they were sent', async () => {
    const { events } = (await engine.call('GET', '/api/users/phone/timeline')).json();
    expect(events.find((event: { eventId: string }) => event.eventId === 'e1').properties).toEqual(hostile);
  });

  it('pages in both directions without losing or repeating', async () => {
    for (const direction of ['asc', 'desc']) {
      const seen: string[] = [];
      let cursor = '';
      for (let page = 0; page < 5; page++) {
        const { events, nextCursor } = (
          await engine.call('GET', `/api/users/ada/timeline?limit=1&order=${direction}${cursor}`)
        ).json();
        seen.push(...events.map((event: { timestamp: string }) => event.timestamp));
        if (nextCursor === null) break;
        cursor = `&cursor=${nextCursor}`;
      }
      expect(seen).toHaveLength(3);
      expect(seen).toEqual(direction === 'asc' ? seen.toSorted() : seen.toSorted().reverse());
    }
  });

  it('refuses what it does not take', async () => {
    expect((await engine.call('GET', '/api/users/ada/timeline?limit=5000')).json()).toMatchObject({
      status: 400,
      code: 'invalid_value',
      field: 'limit',
      value: 5000,
    });
    expect((await engine.call('GET', '/api/users/ada/timeline?form=-1h')).json()).toMatchObject({
      status: 400,
      code: 'unknown_field',
      field: 'form',
    });
    expect((await engine.call('GET', '/api/users/ada/timeline?from=noon')).json()).toMatchObject({
      status: 400,
      code: 'invalid_time',
    });
    expect((await engine.call('GET', '/api/users/ada/timeline?cursor=xyz')).json()).toMatchObject({
      status: 400,
      code: 'invalid_cursor',
    });
  });

  function order(events: { eventName: string; timestamp: string }[], a: string, b: string): number {
    const time = (name: string) => events.find(({ eventName }) => eventName === name)?.timestamp ?? '';
    return time(a) < time(b) ? -1 : 1;
  }
});

describe('GET /api/events/{eventId}', () => {
  it('follows a stored event', async () => {
    const trace = (await engine.call('GET', '/api/events/e1')).json();
    expect(trace).toMatchObject({
      outcome: 'stored',
      source: 'web',
      personId: 'ada',
      position: { partition: 0, offset: 0 },
      refusals: [],
    });
    expect(trace.time).toEqual({ original: at(1), corrected: at(1), correctedByMs: 0 });
    expect(trace.event.properties).toEqual(hostile);
    expect([Date.parse(trace.meta.asOf) >= Date.parse(trace.receivedAt), Date.parse(trace.meta.completeThrough) < Date.parse(trace.meta.asOf)]).toEqual([true, true]);
  });

  it('shows by how much a wrong clock was corrected, under an id that needs encoding', async () => {
    const trace = (await engine.call('GET', `/api/events/${encodeURIComponent('e3/é?')}`)).json();
    expect(trace).toMatchObject({
      eventId: 'e3/é?',
      outcome: 'stored',
      time: { original: at(3), correctedByMs: -600_000 },
    });
  });

  it('tells the reasons and the fix of a quarantined event', async () => {
    const trace = (await engine.call('GET', '/api/events/bad1')).json();
    expect(trace).toMatchObject({ outcome: 'quarantined', source: 'web' });
    const [{ reasons, original, encoding }] = trace.refusals;
    expect(reasons.map(({ field, code }: { field: string; code: string }) => `${field} ${code}`)).toEqual([
      'userId illegal_id',
      'timestamp invalid_timestamp',
    ]);
    expect(reasons[0]).toMatchObject({
      fix: expect.stringMatching(/\w/),
      documentation: 'docs/protocol.md#illegal_id',
    });
    expect([encoding, JSON.parse(original).eventId]).toEqual(['utf8', 'bad1']);
  });

  it('explains what it does not know', async () => {
    const answer = await engine.call('GET', '/api/events/never-sent');
    expect(answer.statusCode).toBe(404);
    expect(answer.json()).toMatchObject({ code: 'event_not_found', pending: 0 });
    expect((await engine.call('GET', `/api/events/${encodeURIComponent("' OR 1=1 --")}`)).statusCode).toBe(404);
  });
});

describe('GET /api/quarantine', () => {
  it('lists by code, page by page, with the number of each code', async () => {
    const all = (await engine.call('GET', '/api/quarantine')).json();
    expect(all.events).toHaveLength(2);
    expect(all.codes).toEqual([
      { code: 'illegal_id', events: 1 },
      { code: 'missing_event_id', events: 1 },
    ]);
    const first = (await engine.call('GET', '/api/quarantine?limit=1')).json();
    const second = (await engine.call('GET', `/api/quarantine?limit=1&cursor=${first.nextCursor}`)).json();
    expect([...first.events, ...second.events]).toEqual(all.events);
    expect(second.nextCursor).toBeNull();
    expect((await engine.call('GET', '/api/quarantine?code=illegal_id&from=-1h')).json().events).toMatchObject([
      { eventId: 'bad1' },
    ]);
    expect((await engine.call('GET', '/api/quarantine?to=-1h')).json().events).toEqual([]);
    expect(
      (await engine.call('GET', `/api/quarantine?cursor=${Buffer.from('["x"]').toString('base64url')}`)).json(),
    ).toMatchObject({ code: 'invalid_cursor' });
  });
});

describe('POST /api/events/check', () => {
  const event = { eventId: 'c1', eventName: 'buy', userId: 'ada', properties: { price: 1 } };

  it('shows what would be stored, and stores nothing', async () => {
    const checked = (await engine.call('POST', '/api/events/check', event)).json();
    expect(checked).toMatchObject({
      outcome: 'stored',
      wouldStore: true,
      reasons: [],
      event: { eventId: 'c1', properties: { price: 1 }, source: 'check' },
    });
    expect((await engine.call('GET', '/api/events/c1')).statusCode).toBe(404);
  });

  it('tells every reason why not', async () => {
    const checked = (await engine.call('POST', '/api/events/check', { eventName: 5, userId: 'null' })).json();
    expect(checked).toMatchObject({ outcome: 'quarantined', wouldStore: false });
    expect(checked.reasons.map(({ field }: { field: string }) => field).sort()).toEqual([
      'eventId',
      'eventName',
      'userId',
    ]);
    expect(
      (await engine.call('POST', '/api/events/check', { ...event, properties: { x: 'x'.repeat(70_000) } })).json(),
    ).toMatchObject({ outcome: 'rejected', wouldStore: false, reasons: [{ code: 'event_too_large' }] });
    expect((await engine.call('POST', '/api/events/check', { ...event, eventId: 'e1' })).json()).toMatchObject({
      outcome: 'duplicate',
      wouldStore: false,
    });
  });

  it('follows the settings of the project', async () => {
    const bot = { ...event, context: { userAgent: 'Googlebot/2.1 (+http://www.google.com/bot.html)' } };
    expect((await engine.call('POST', '/api/events/check', bot)).json()).toMatchObject({
      outcome: 'stored',
      event: { bot: true },
    });
    await engine.control.settings.set({ project: engine.project, actor: 'test', settings: { bots: 'drop' } });
    expect((await engine.call('POST', '/api/events/check', bot)).json()).toMatchObject({
      outcome: 'filtered',
      reasons: [{ code: 'bot' }],
    });
    await engine.control.settings.set({ project: engine.project, actor: 'test', settings: { bots: 'flag' } });
  });

  it('takes batches, write keys in every way, and any Content-Type', async () => {
    const batch = (await engine.call('POST', '/api/events/check', { events: [event, {}] })).json();
    expect(batch.results).toMatchObject([{ outcome: 'stored' }, { outcome: 'quarantined' }]);
    const ways = [
      { headers: { authorization: `Bearer ${WRITE_KEY}` } },
      { headers: { authorization: `Basic ${Buffer.from(`${WRITE_KEY}:`).toString('base64')}` } },
      { query: { writeKey: WRITE_KEY } },
      { payload: JSON.stringify({ ...event, writeKey: WRITE_KEY }) },
    ];
    for (const way of ways) {
      const sent = {
        payload: JSON.stringify(event),
        ...way,
        headers: { 'content-type': 'text/plain', ...('headers' in way ? way.headers : {}) },
      };
      const answer = await engine.app.inject({ method: 'POST', url: '/api/events/check', ...sent });
      expect(answer.json(), JSON.stringify(way)).toMatchObject({
        outcome: 'stored',
        event: { source: expect.not.stringMatching(/^check$/) },
      });
    }
    expect((await engine.app.inject({ method: 'POST', url: '/api/events/check', payload: '{}' })).statusCode).toBe(401);
    expect((await engine.app.inject({ method: 'POST', url: '/api/events/check', payload: '{' })).json()).toMatchObject({
      code: 'invalid_json',
    });
  });
});

describe('POST /api/events/export', () => {
  it('gives every event once, in each format', async () => {
    const ndjson = await engine.call('POST', '/api/events/export', { format: 'ndjson', from: '-2h' });
    expect(ndjson.headers['content-type']).toContain('application/x-ndjson');
    const events = ndjson.body
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { eventId: string; properties: object });
    expect(events.map(({ eventId }) => eventId).sort()).toEqual(['e1', 'e2', 'e3/é?']);
    expect(events.find(({ eventId }) => eventId === 'e1')?.properties).toEqual(hostile);

    const csv = await engine.call('POST', '/api/events/export', { format: 'csv', from: '-2h' });
    expect(csv.headers['content-disposition']).toBe('attachment; filename="events.csv"');
    expect(csv.body.split('\n')[0]).toContain('"eventId","eventName"');
    expect(csv.body.trimEnd().split('\n')).toHaveLength(4);

    const parquet = await engine.call('POST', '/api/events/export', { format: 'parquet', from: '-2h' });
    expect([parquet.rawPayload.subarray(0, 4).toString(), parquet.rawPayload.subarray(-4).toString()]).toEqual([
      'PAR1',
      'PAR1',
    ]);
  });

  it('keeps to the range and the conditions', async () => {
    const where = [{ property: 'eventName', op: '=', value: 'login' }];
    const { body } = await engine.call('POST', '/api/events/export', { from: '-2h', where });
    expect(JSON.parse(body)).toMatchObject({ eventId: 'e2', sequence: 7 });
    expect((await engine.call('POST', '/api/events/export', { from: '-2d', to: '-1d' })).body).toBe('');
  });

  it('refuses with a problem and not with a torn file', async () => {
    const answer = await engine.call('POST', '/api/events/export', { format: 'xlsx' });
    expect(answer.json()).toMatchObject({ status: 400, code: 'invalid_value', field: 'format' });
    const broken = await engine.call('POST', '/api/events/export', {
      where: [{ property: 'eventName', op: 'matches', value: '((' }],
    });
    expect(broken.statusCode).toBeGreaterThanOrEqual(400);
    expect(broken.headers['content-disposition']).toBeUndefined();
  });
});
