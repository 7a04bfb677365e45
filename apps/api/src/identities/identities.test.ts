import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestEngine } from '../testing/engine.ts';

let engine: TestEngine;
let sent = 0;
const at = (second: number) => new Date(Date.UTC(2026, 4, 3, 10, 0, second)).toISOString();

/** Acknowledged when it resolves, as a client sees it: what is asked then waits by `waitFor`. */
function collect(...events: Record<string, unknown>[]): Promise<number> {
  return engine.collect(events.map((event) => ({ eventId: `e${++sent}`, eventName: 'view', ...event })));
}

async function users(waitFor?: number): Promise<number> {
  const body = { from: '2026-05-03', to: '2026-05-04', series: [{ measure: 'users' }], ...(waitFor !== undefined && { waitFor }) };
  return (await engine.call('POST', '/api/analytics/trend', body)).json().series[0].total;
}

const timeline = async (id: string) => (await engine.call('GET', `/api/users/${id}/timeline`)).json().events.map(({ eventId, personId }: { eventId: string; personId: string }) => `${eventId} ${personId}`);
const post = async (what: 'merge' | 'unmerge', body: object) => (await engine.call('POST', `/api/identities/${what}`, body)).json();

beforeAll(async () => {
  engine = await TestEngine.start();
  await collect(
    { anonymousId: 'd1', timestamp: at(1) },
    { anonymousId: 'd1', userId: 'ann', timestamp: at(2) },
    { anonymousId: 'd2', userId: 'ann2', timestamp: at(3) },
    { anonymousId: 'd2', timestamp: at(4) },
    { anonymousId: 'd3', timestamp: at(5) },
  );
  await engine.settled();
});
afterAll(() => engine.stop());

test('an alias joins two users from the moment that it was acknowledged', async () => {
  expect(await users()).toBe(3);
  const receivedAt = await collect({ eventName: 'alias', type: 'alias', userId: 'ann', previousId: 'ann2', timestamp: at(6) });
  expect(await users(receivedAt)).toBe(2);
  expect(await timeline('d2')).toEqual(['e1 ann', 'e2 ann', 'e3 ann', 'e4 ann', 'e6 ann']);
  const found = (await engine.call('GET', '/api/identities/ann2')).json();
  expect(found).toMatchObject({ personId: 'ann', node: { userId: 'ann' }, events: 5, flags: [], decisions: [] });
  expect(found.links).toContainEqual({ cause: 'alias', ids: [{ userId: 'ann' }, { userId: 'ann2' }], time: at(6), eventId: 'e6', state: 'counts' });
  expect(found.nodes.map(({ events, ...node }: { events: number }) => events > 0 && node)).toContainEqual({ userId: 'ann2', firstSeen: at(3) });
});

test('a cut shows at once, outlives what comes later, and is undone by a merge (rule I5)', async () => {
  const ids = [{ userId: 'ann' }, { userId: 'ann2' }];
  const preview = await post('unmerge', { ids, preview: true });
  expect(preview).toMatchObject({ preview: true, decisions: [], before: [{ personId: 'ann', events: 5 }] });
  expect(preview.after.map(({ personId, events }: { personId: string; events: number }) => [personId, events])).toEqual([['ann', 3], ['ann2', 2]]);
  expect(await users()).toBe(2);
  const cut = await post('unmerge', { ids, reason: 'two sisters' });
  expect(cut).toMatchObject({ ...preview, preview: false, decisions: [{ verdict: 'cut', ids, reason: 'two sisters' }] });
  expect(await users()).toBe(3);
  expect(await users(await collect({ eventName: 'alias', type: 'alias', userId: 'ann', previousId: 'ann2', timestamp: at(7) }))).toBe(3);
  expect((await post('unmerge', { ids })).code).toBe('not_linked');
  expect(await post('merge', { ids })).toMatchObject({ after: [{ personId: 'ann', events: 6 }] });
  expect(await users()).toBe(2);
  const audit = (await engine.call('GET', `/api/projects/${engine.project}/audit`)).json();
  expect(JSON.stringify(audit)).toContain('identity.cut');
});

test('a device is merged with a person, and leaves it with all its links (rule I5)', async () => {
  expect(await post('merge', { ids: [{ anonymousId: 'd3' }, { userId: 'ann' }], preview: true })).toMatchObject({ before: [{ events: 1 }, { events: 6 }], after: [{ personId: 'ann', events: 7 }] });
  await post('merge', { ids: [{ anonymousId: 'd3' }, { userId: 'ann' }] });
  expect(await users()).toBe(1);
  expect((await timeline('d3')).length).toBe(7);
  const left = await post('unmerge', { ids: [{ anonymousId: 'd1' }], from: 'person' });
  expect(left.after.map(({ personId, events }: { personId: string; events: number }) => [personId, events])).toEqual([['d1', 1], ['ann', 6]]);
  expect(await timeline('d1')).toEqual(['e1 d1']);
  const out = await post('unmerge', { ids: [{ userId: 'ann' }], from: 'person' });
  expect(out.decisions.map(({ ids }: { ids: unknown }) => ids)).toEqual(expect.arrayContaining([[{ anonymousId: 'd3' }, { userId: 'ann' }], [{ userId: 'ann' }, { userId: 'ann2' }]]));
  expect(await users()).toBe(4);
});

test.each([
  ['merge', { ids: [{ userId: 'ann' }, { userId: 'ann' }] }, 409, 'same_person', undefined],
  ['merge', { ids: [{ userId: 'ann' }, { userId: 'nobody-knows' }] }, 404, 'unknown_identity', 'ids[1]'],
  ['merge', { ids: [{ userId: 'ann' }, { userId: 'd3' }] }, 404, 'unknown_identity', 'ids[1]'],
  ['merge', { ids: [{ userId: 'null' }, { userId: 'ann' }] }, 400, 'illegal_id', 'ids[0]'],
  ['merge', { ids: [{ userId: 'ann' }] }, 400, 'invalid_value', 'ids'],
  ['merge', { ids: [{ userId: 'ann', anonymousId: 'd1' }, { userId: 'bob' }] }, 400, 'invalid_value', 'ids.0'],
  ['merge', { ids: [{ userId: 'ann' }, { name: 'bob' }] }, 400, 'unknown_field', 'ids.1.name'],
  ['unmerge', { ids: [{ userId: 'ann' }, { anonymousId: 'd3' }] }, 409, 'not_linked', undefined],
  ['unmerge', { ids: [{ userId: 'ann' }] }, 400, 'invalid_request', undefined],
  ['unmerge', { ids: [{ userId: 'ann' }, { userId: 'ann2' }], from: 'person' }, 400, 'invalid_request', undefined],
])('%s %j is refused (rule I8)', async (what, body, status, code, field) => {
  const answer = await engine.call('POST', `/api/identities/${what}`, body);
  expect([answer.statusCode, answer.json().code, answer.json().field]).toEqual([status, code, field]);
});

test('an id that no event names is unknown, and a node that is both is asked for by its kind', async () => {
  expect((await engine.call('GET', '/api/identities/nobody')).json()).toMatchObject({ status: 404, code: 'unknown_identity', field: 'id' });
  expect((await engine.call('GET', '/api/identities/d2?kind=user')).json().code).toBe('unknown_identity');
  expect((await engine.call('GET', '/api/identities/d2?kind=device')).json().personId).toBe('ann2');
});

test('a guest that everybody is aliased to is shown as a hub, and joins nobody', async () => {
  const before = await users();
  const aliases = Array.from({ length: 501 }, (_, i) => ({ eventName: 'alias', type: 'alias', userId: `customer${i}`, previousId: 'guest-account', timestamp: at(10) }));
  expect(await users(await collect(...aliases))).toBe(before + 501);
  expect((await engine.call('GET', '/api/identities?flag=hub')).json()).toEqual({ identities: [{ userId: 'guest-account', flag: 'hub', cause: 'aliases', links: 501 }] });
  expect((await engine.call('GET', '/api/pipeline')).json().identities).toEqual({ hubs: 1 });
  expect((await engine.call('GET', '/api/identities/guest-account?kind=user')).json().flags).toEqual(['hub']);
});

test('a user leaves a person that was merged with one of its devices, and keeps the device', async () => {
  await collect({ anonymousId: 'd9', userId: 'eve', timestamp: at(20) }, { anonymousId: 'd9', timestamp: at(21) }, { userId: 'fay', timestamp: at(22) });
  await engine.settled();
  expect(await post('merge', { ids: [{ anonymousId: 'd9' }, { userId: 'fay' }] })).toMatchObject({ after: [{ personId: 'eve', events: 3 }] });
  const { after } = await post('unmerge', { ids: [{ userId: 'eve' }], from: 'person' });
  expect(after.map(({ personId, events }: { personId: string; events: number }) => [personId, events]).toSorted((a: [string], b: [string]) => (a[0] < b[0] ? -1 : 1))).toEqual([['eve', 2], ['fay', 1]]);
});
