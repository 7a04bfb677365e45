import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestEngine } from '../testing/engine.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.start();
});
afterAll(() => engine.stop());

test('a valve is made, listed, changed and removed, and shows in the pipeline while it is active', async () => {
  const made = await engine.call('POST', '/api/valves', { appVersion: '9.9.9', action: 'quarantine', reason: 'crash loop', forMinutes: 30 });
  expect([made.statusCode, made.headers['location']]).toEqual([201, `/api/valves/${made.json().id}`]);
  const { id, expiresAt } = made.json();
  expect(Date.parse(expiresAt) - Date.now()).toBeGreaterThan(29 * 60_000);
  expect((await engine.call('GET', '/api/valves')).json().valves).toEqual([
    {
      ...made.json(),
      appVersion: '9.9.9',
      eventName: null,
      source: null,
      ratio: 1,
      active: true,
      stopped: { events: 0, quarantined: 0, dropped: 0, lastMinute: null },
    },
  ]);
  expect((await engine.call('GET', '/api/pipeline')).json().valves).toBe(1);
  const changed = await engine.call('PUT', `/api/valves/${id}`, { action: 'drop', ratio: 0.5, expiresAt: null });
  expect(changed.json()).toMatchObject({ id, action: 'drop', ratio: 0.5, expiresAt: null, reason: 'crash loop' });
  expect((await engine.call('DELETE', `/api/valves/${id}`)).statusCode).toBe(204);
  expect((await engine.call('GET', '/api/valves')).json()).toEqual({ valves: [] });
  expect((await engine.call('DELETE', `/api/valves/${id}`)).json()).toMatchObject({ status: 404, code: 'valve_not_found' });
});

test.each([
  [{ action: 'drop' }, 'illegal_valve', 'appVersion'],
  [{ appVersion: '1' }, 'missing_field', 'action'],
  [{ appVersion: '1', action: 'close' }, 'invalid_value', 'action'],
  [{ appVersion: '1', action: 'drop', ratio: 2 }, 'invalid_value', 'ratio'],
  [{ appVersion: '1', action: 'drop', version: 1 }, 'unknown_field', 'version'],
  [{ appVersion: '1', action: 'drop', expiresAt: 'soon' }, 'invalid_time', 'expiresAt'],
  [{ appVersion: '1', action: 'drop', expiresAt: '2020-01-01T00:00:00Z' }, 'illegal_valve', 'expiresAt'],
  [{ appVersion: '1', action: 'drop', expiresAt: null, forMinutes: 5 }, 'illegal_valve', undefined],
  [{ source: 'nowhere', action: 'drop' }, 'source_not_found', 'source'],
])('%j is refused', async (body, code, field) => {
  const answer = await engine.call('POST', '/api/valves', body);
  expect([answer.statusCode >= 400 && answer.statusCode < 500, answer.json().code, answer.json().field]).toEqual([true, code, field]);
});

test("a token does not reach another project's valves", async () => {
  const made = await engine.call('POST', '/api/valves', { eventName: 'x', action: 'drop' });
  const other = (await engine.call('POST', '/api/projects', { name: 'Other' })).json();
  const headers = { authorization: `Bearer ${other.token.secret}` };
  const { id } = made.json();
  expect((await engine.call('GET', '/api/valves', undefined, headers)).json()).toEqual({ valves: [] });
  expect((await engine.call('PUT', `/api/valves/${id}`, { ratio: 0 }, headers)).json()).toMatchObject({ code: 'valve_not_found' });
  expect((await engine.call('DELETE', `/api/valves/${id}`, undefined, headers)).statusCode).toBe(404);
  expect((await engine.call('GET', '/api/valves', undefined, { authorization: 'Bearer no' })).statusCode).toBe(401);
});

test('a check tells that a valve would stop the event', async () => {
  await engine.call('POST', '/api/valves', { appVersion: '8', action: 'drop' });
  const event = { eventId: 'c1', eventName: 'y', userId: 'u', context: { appVersion: '8' } };
  expect((await engine.call('POST', '/api/events/check', event)).json()).toMatchObject({
    outcome: 'rejected',
    wouldStore: false,
    reasons: [{ code: 'valve' }],
  });
});
