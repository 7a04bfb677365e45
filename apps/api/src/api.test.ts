import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobView } from './deps.ts';
import { TestEngine } from './testing/engine.ts';

let engine: TestEngine;
const jobs: JobView[] = [];
beforeAll(async () => {
  engine = await TestEngine.start({ jobs: { list: async () => jobs, run: async () => 'ended' } });
});
afterAll(() => engine.stop());

const event = (eventId: string, change: object = {}) => ({ eventId, eventName: 'click', userId: 'u1', ...change });

describe('access', () => {
  it('answers without a token only what load balancers and scrapers need', async () => {
    for (const url of ['/livez', '/readyz', '/metrics']) {
      expect((await engine.app.inject({ url })).statusCode, url).toBe(200);
    }
    const refused = await engine.app.inject({ url: '/api/pipeline' });
    expect(refused.statusCode).toBe(401);
    expect(refused.headers['www-authenticate']).toBe('Bearer realm="tidemark"');
    expect(refused.headers['content-type']).toContain('application/problem+json');
    expect(refused.json()).toMatchObject({ status: 401, code: 'unauthorized', type: 'docs/api.md#unauthorized' });
  });

  it('refuses a wrong token, and one in the query string', async () => {
    expect(
      (await engine.call('GET', '/api/pipeline', undefined, { authorization: 'Bearer wrong' })).json(),
    ).toMatchObject({ code: 'unauthorized' });
    expect((await engine.app.inject({ url: '/api/pipeline?token=test-token' })).statusCode).toBe(401);
  });

  it.each([
    ['POST', '/api/pipeline', 'GET, HEAD'],
    ['DELETE', '/readyz?x=1', 'GET, HEAD'],
    ['PATCH', '/api/valves/v1', 'DELETE, PUT'],
    ['PUT', '/api/events/check', 'GET, HEAD, POST'],
  ] as const)('answers %s %s with 405 and the methods that there are', async (method, url, allow) => {
    const answer = await engine.app.inject({ method, url });
    expect([answer.statusCode, answer.headers['allow'], answer.json().code]).toEqual([405, allow, 'method_not_allowed']);
  });

  it('answers an unknown address as JSON', async () => {
    const answer = await engine.app.inject({ url: '/api/nothing?token=secret' });
    expect(answer.statusCode).toBe(404);
    expect(answer.json()).toMatchObject({ code: 'not_found' });
    expect(answer.body).not.toContain('secret');
  });
});

describe('pipeline', () => {
  it('shows the balance of the project, lag, freshness, watermark and sizes', async () => {
    await engine.collect([event('e1'), event('e2'), event('e1'), event('', { eventName: 5 })]);
    await engine.settled();
    const answer = await engine.call('GET', '/api/pipeline');
    expect(answer.statusCode).toBe(200);
    const pipeline = answer.json();
    expect(pipeline.balance).toMatchObject({
      received: 4,
      stored: 2,
      duplicate: 1,
      quarantined: 1,
      pending: 0,
      difference: 0,
    });
    expect(pipeline.lag).toEqual({ records: 0, ms: 0 });
    expect(pipeline.lateness.events).toBe(2);
    expect(pipeline.lateness.sinceStart).toMatchObject({ events: 2, behindWatermark: 0, buckets: { 0: { upToMs: 1_000, events: 2 }, 11: { upToMs: null, events: 0 } } });
    expect(pipeline.log.partitions).toMatchObject([{ partition: 0, watermark: pipeline.watermark }]);
    expect(pipeline.disk.tables.find((table: { table: string }) => table.table === 'events')).toMatchObject({
      rows: 2,
      parts: 1,
    });
    expect(pipeline.disk.stores.log).toBeGreaterThan(0);
    expect(Date.parse(pipeline.watermark)).toBeLessThan(Date.parse(pipeline.asOf));
  });

  it('counts the same in its metrics', async () => {
    const { body } = await engine.app.inject({ url: '/metrics' });
    expect(body).toContain('tidemark_balance_events{outcome="stored",role="engine"} 2');
    expect(body).toContain('tidemark_balance_difference_events{role="engine"} 0');
    expect(body).toMatch(
      /tidemark_api_requests_total\{method="GET",route="\/api\/pipeline",status="200",role="engine"\} 1/,
    );
    expect(engine.failures).toEqual([]);
  });

  it('shows how the jobs are, and their errors to an admin token alone', async () => {
    const rest = { running: false, lastRows: 7, lastErrorCode: undefined, nextRunMs: undefined, lease: undefined, heldBack: [] };
    const ran = { ...rest, name: 'retention', everyMs: 3_600_000, lastRunMs: Date.UTC(2026, 4, 3), lastDurationMs: 12.5, lastResult: '7 events', lastError: undefined };
    const failed = { ...ran, name: 'id-expiry', lastResult: undefined, lastError: 'quotes "secret"' };
    const due = { ...rest, name: 'due', everyMs: 60_000, lastRunMs: undefined, lastDurationMs: undefined, lastResult: undefined, lastError: undefined };
    jobs.push(ran, failed, due);
    const { body: token } = await engine.call('POST', `/api/projects/${engine.project}/tokens`, { name: 'reader' });
    const never = { lastRun: null, lastDurationMs: null, lastResult: null, lastError: null };
    const times = { everyMs: 3_600_000, lastRun: '2026-05-03T00:00:00.000Z', lastDurationMs: 12.5 };
    expect((await engine.call('GET', '/api/pipeline')).json().jobs).toEqual([
      { name: 'retention', ...times, lastResult: '7 events', lastError: null },
      { name: 'id-expiry', ...times, lastResult: null, lastError: 'quotes "secret"' },
      { name: 'due', everyMs: 60_000, ...never },
    ]);
    const reader = { authorization: `Bearer ${(JSON.parse(token) as { secret: string }).secret}` };
    const answer = await engine.call('GET', '/api/pipeline', undefined, reader);
    expect(answer.json().jobs[1].lastError).toContain('admin token');
    expect(answer.body).not.toContain('secret');
  });
});

describe('readyz', () => {
  it('names the part that is away', async () => {
    const query = engine.warehouse.query.bind(engine.warehouse);
    engine.warehouse.query = () => Promise.reject(new Error('gone'));
    try {
      const answer = await engine.app.inject({ url: '/readyz' });
      expect(answer.statusCode).toBe(503);
      expect(answer.json()).toMatchObject({ code: 'not_ready', part: 'warehouse', parts: ['warehouse'] });
    } finally {
      engine.warehouse.query = query;
    }
  });
});
