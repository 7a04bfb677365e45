/** Projects, keys with rates, tokens, settings, saved questions, over HTTP (DESIGN 5). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ServerUnderTest } from '../server-under-test.ts';
import { Project, until, type Json } from './project.ts';

let server: ServerUnderTest;
let shop: Project;
let other: Project;
let number = 0;

beforeAll(async () => {
  server = await ServerUnderTest.start();
  shop = await Project.first(server);
  other = await Project.create(server, 'Other');
});
afterAll(() => server.stop());

const event = (fields: Json = {}): Json => ({ eventId: `a${number++}`, eventName: 'seen', userId: 'u', ...fields });

describe.concurrent('write keys', () => {
  it('that we issue have 25 characters and begin with c; the source stands on the event', async () => {
    const { source } = await newSource('Mobile app');
    const { key } = await shop.api(`/api/projects/${shop.id}/keys`, { source }, { status: 201 });
    expect(key).toMatch(/^c[a-z0-9]{24}$/);
    const sent = event();
    await until(
      async () => (await shop.post('/api/events', sent, { authorization: `Bearer ${key}` })).status === 202,
      'the key',
    );
    await shop.send([event()]);
    expect((await shop.stored(sent['eventId']))['source']).toBe(source);
    expect((await shop.request(`/api/projects/${shop.id}/keys/${key}`, { method: 'DELETE' })).status).toBe(204);
    await until(
      async () => (await shop.post('/api/events', event(), { authorization: `Bearer ${key}` })).status === 401,
      'the key to be refused',
    );
  });

  it.each<[string, Json]>([
    ['events', { eventsPerSecond: 2 }],
    ['bytes', { bytesPerSecond: 500 }],
  ])('over a rate of %s are 429 with Retry-After, and let in again after it', async (_what, limits) => {
    const { source } = await newSource('Limited');
    const { key } = await shop.api(`/api/projects/${shop.id}/keys`, { source, limits }, { status: 201 });
    const authorization = `Bearer ${key}`;
    await until(
      async () => (await shop.post('/api/events/batch', { events: [] }, { authorization })).status === 202,
      'the key',
    );
    // Again if need be: those that are judged before the first is counted are let in, all of one burst if they come together,
    // and one after another they may keep to the rate on a slow machine.
    const burst = (): Promise<Response[]> => Promise.all(Array.from({ length: 30 }, () => shop.post('/api/events', event(), { authorization })));
    const isRefused = ({ status }: Response): boolean => status !== 202;
    let refused: Response | undefined;
    await until(async () => (refused = (await burst()).find(isRefused)) !== undefined, 'a refusal');
    expect([refused?.status, ((await refused!.json()) as Json)['code']]).toEqual([429, 'rate_limited']);
    const seconds = Number(refused!.headers.get('retry-after'));
    expect(seconds).toBeGreaterThanOrEqual(1);
    expect(seconds).toBeLessThan(60);
    // Other keys are not concerned.
    await shop.send([event()]);
    await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
    expect((await shop.post('/api/events', event(), { authorization })).status).toBe(202);
  });
});

async function newSource(name: string): Promise<{ source: string }> {
  return {
    source: (await shop.api(`/api/projects/${shop.id}/sources`, { name: `${name} ${number++}` }, { status: 201 }))[
      'id'
    ] as string,
  };
}

describe.concurrent('waitFor', () => {
  it('what is acknowledged is in the answer', async () => {
    for (let round = 0; round < 3; round++) {
      await shop.send([event({ eventName: 'waited' })]);
      expect((await shop.ask('trend', { series: [{ event: 'waited' }], range: 'today' }))['series'][0].total).toBe(
        round + 1,
      );
    }
  });
  it('is a time, and one far ahead is not waited for longer than 10 s', async () => {
    expect(
      (await shop.request('/api/analytics/trend', { body: { series: [{ event: 'x' }], waitFor: 'later' } })).status,
    ).toBe(400);
    const startedAt = Date.now();
    const response = await shop.request('/api/analytics/trend', {
      body: { series: [{ event: 'x' }], waitFor: '2099-01-01T00:00:00Z' },
    });
    expect(response.status).toBeLessThan(500);
    expect(Date.now() - startedAt).toBeLessThan(12_000);
  });
});

describe('settings', () => {
  const set = (settings: Json): Promise<Json> =>
    other.api(`/api/projects/${other.id}/settings`, settings, { method: 'PUT' });
  const GOOGLEBOT = { userAgent: 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)' };

  it('bots: drop filters them, counted and not kept', async () => {
    await set({ bots: 'drop' });
    await until(async () => {
      const answer = (await (await other.post('/api/events', event({ context: GOOGLEBOT }))).json()) as Json;
      return answer['status'] === 'filtered';
    }, 'the setting');
    const answer = (await (
      await other.post('/api/events/batch', { events: [event({ context: GOOGLEBOT }), event()] })
    ).json()) as Json;
    expect(answer).toMatchObject({ accepted: 1, filtered: 1, rejected: [] });
    await until(async () => (await other.api('/api/pipeline'))['balance'].filtered >= 2, 'the count');
    expect((await other.api('/api/pipeline'))['balance']['difference']).toBe(0);
    await set({ bots: 'flag' });
  });

  it('ip: keep, truncate or drop', async () => {
    const expected: [string, string | undefined][] = [
      ['keep', '81.2.69.142'],
      ['truncate', '81.2.69.0'],
      ['drop', undefined],
    ];
    for (const [ip, kept] of expected) {
      await set({ ip });
      await until(async () => {
        const sent = event({ context: { ip: '81.2.69.142' } });
        await other.send([sent]);
        return (await other.stored(sent['eventId']))['context'].ip === kept;
      }, `${ip} to give ${kept}`);
    }
  });

  it('retention: unset by default, so that history can come; once set, older events are quarantined', async () => {
    const old = (): Json => event({ timestamp: '2001-01-01T00:00:00Z' });
    await other.send([old()]);
    await set({ retentionDays: 30 });
    await until(
      async () =>
        ((await (await other.post('/api/events/batch', { events: [old()] })).json()) as Json)['rejected'].length === 1,
      'the setting',
    );
    await set({ retentionDays: null });
    expect((await other.api(`/api/projects/${other.id}/settings`))['retentionDays']).toBeNull();
  });

  it.each<Json>([
    { bots: 'maybe' },
    { ip: 'hash' },
    { retentionDays: 0 },
    { retentionDays: 1.5 },
    { colour: 'red' },
    {},
  ])('%j is 400', async (settings) => {
    expect((await other.request(`/api/projects/${other.id}/settings`, { method: 'PUT', body: settings })).status).toBe(
      400,
    );
  });
});

describe('tokens', () => {
  it('are shown once, work at once, and stop when revoked', async () => {
    const made = await shop.api(`/api/projects/${shop.id}/tokens`, { name: 'CI' }, { status: 201 });
    const ask = (): Promise<Response> =>
      shop.request('/api/pipeline', { headers: { authorization: `Bearer ${made['secret']}` } });
    expect((await ask()).status).toBe(200);
    expect(JSON.stringify(await shop.api(`/api/projects/${shop.id}/tokens`))).not.toContain(made['secret']);
    expect((await shop.request(`/api/projects/${shop.id}/tokens/${made['id']}`, { method: 'DELETE' })).status).toBe(
      204,
    );
    expect((await ask()).status).toBe(401);
  });

  it("of one project reach nothing of another's", async () => {
    for (const part of ['', '/settings', '/sources', '/keys', '/tokens', '/audit']) {
      const response = await other.request(`/api/projects/${shop.id}${part}`);
      expect([part, response.status]).toEqual([part, 404]);
    }
    expect((await other.request(`/api/projects/${shop.id}/keys/${shop.key}`, { method: 'DELETE' })).status).toBe(404);
    expect((await other.request(`/api/projects/${other.id}/keys/${shop.key}`, { method: 'DELETE' })).status).toBe(404);
    expect((await other.request('/api/projects', { body: { name: 'Third' } })).status).toBe(403);
    expect((await other.api('/api/projects'))['projects'].map((project: Json) => project['id'])).toEqual([other.id]);
    await shop.send([event()]);
  });

  it('the last one of a project stays', async () => {
    const [{ id }] = (await other.api(`/api/projects/${other.id}/tokens`))['tokens'] as [Json];
    expect((await other.request(`/api/projects/${other.id}/tokens/${id}`, { method: 'DELETE' })).status).toBe(409);
  });
});

describe('saved questions', () => {
  const question = { steps: [{ event: 's.a' }, { event: 's.b' }], window: '1h' };

  it('are saved, versioned, run with other times, and deleted', async () => {
    const path = '/api/questions/funnel/checkout%20%2F%201';
    await shop.send([
      event({ eventName: 's.a', userId: 's', timestamp: '2026-03-02T10:00:00Z' }),
      event({ eventName: 's.b', userId: 's', timestamp: '2026-03-02T10:00:09Z' }),
    ]);
    await shop.settled();
    expect((await shop.request(path, { method: 'PUT', body: question })).status).toBeLessThan(300);
    expect(await shop.api(path)).toMatchObject({ version: 1 });
    await shop.api(path, { ...question, window: '5s' }, { method: 'PUT' });
    expect(await shop.api(path)).toMatchObject({ version: 2 });
    const run = async (query: string): Promise<number[]> =>
      (await shop.api(`/api/analytics/funnel?name=checkout%20%2F%201&${query}`))['steps'].map(
        (step: Json) => step['users'],
      );
    expect(await run('from=2026-03-02&to=2026-03-03')).toEqual([1, 0]);
    expect(await run('from=2026-03-02&to=2026-03-03&version=1')).toEqual([1, 1]);
    expect(await run('from=2026-03-03&to=2026-03-04')).toEqual([0, 0]);
    expect(((await shop.api('/api/questions'))['questions'] as Json[]).map((each) => each['name'])).toEqual([
      'checkout / 1',
    ]);
    expect((await other.request(path)).status).toBe(404);
    expect((await shop.request(path, { method: 'DELETE' })).status).toBe(204);
    expect((await shop.request(path)).status).toBe(404);
    expect((await shop.request('/api/analytics/funnel?name=checkout%20%2F%201')).status).toBe(404);
  });

  it('of a kind that is not there can not be saved', async () => {
    expect((await shop.request('/api/questions/nonsense/bad', { method: 'PUT', body: question })).status).toBe(404);
  });
});
