import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestEngine } from '../testing/engine.ts';

let engine: TestEngine;
const today = new Date().toISOString().slice(0, 10);
const at = (minute: number) => new Date(Date.now() - 3_600_000 + minute * 60_000).toISOString();

beforeAll(async () => {
  engine = await TestEngine.start();
  await engine.collect([
    { eventId: 'a1', eventName: 'view', userId: 'ada', timestamp: at(1), properties: { price: 0.1 } },
    { eventId: 'a2', eventName: 'buy', userId: 'ada', timestamp: at(2), properties: { price: 0.1 } },
    { eventId: 'a3', eventName: 'buy', userId: 'ada', timestamp: at(3), properties: { price: 0.2 } },
    { eventId: 'b1', eventName: 'view', anonymousId: 'phone', timestamp: at(1) },
  ]);
  await engine.settled();
});
afterAll(() => engine.stop());

const users = { series: [{ event: 'view', measure: 'users' }], from: '-2h', granularity: 'hour' };

describe('POST /api/analytics/{kind}', () => {
  it('answers a trend with every field of meta', async () => {
    const answer = await engine.call('POST', '/api/analytics/trend', users);
    expect(answer.statusCode).toBe(200);
    const { series, meta } = answer.json();
    expect(series).toMatchObject([{ label: 'view', total: 2 }]);
    expect(meta).toMatchObject({
      approximate: false,
      timezone: 'UTC',
      rowsRead: expect.any(Number),
      sql: expect.stringContaining('SELECT'),
    });
    expect(Date.parse(meta.asOf)).toBeGreaterThan(Date.now() - 60_000);
  });

  it('answers a funnel', async () => {
    const question = { steps: [{ event: 'view' }, { event: 'buy' }], window: '1h', from: '-2h' };
    const { steps } = (await engine.call('POST', '/api/analytics/funnel', question)).json();
    expect(steps).toMatchObject([{ users: 2 }, { users: 1, fromStart: 0.5, dropOff: 1 }]);
  });

  it('waits for what was acknowledged', async () => {
    const receivedAt = await engine.collect([{ eventId: 'w1', eventName: 'waited', userId: 'ada' }]);
    const question = { series: [{ event: 'waited' }], from: '-1h', waitFor: new Date(receivedAt).toISOString() };
    expect((await engine.call('POST', '/api/analytics/trend', question)).json().series[0].total).toBe(1);
  });

  it('names field, value and rule of what is wrong, with a link', async () => {
    const answer = await engine.call('POST', '/api/analytics/trend', { ...users, granularity: 'fortnight' });
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toMatchObject({
      code: 'invalid_value',
      field: 'granularity',
      value: 'fortnight',
      rule: expect.stringContaining('week'),
      type: 'docs/api.md#invalid_value',
      errors: [{ field: 'granularity' }],
    });
    expect((await engine.call('POST', '/api/analytics/trend')).json()).toMatchObject({
      code: 'missing_field',
      field: 'series',
    });
    expect(
      (await engine.call('POST', '/api/analytics/trend', { series: [], huge: 'x'.repeat(5000) })).body.length,
    ).toBeLessThan(3000);
  });

  it('names the kinds that there are', async () => {
    const answer = await engine.call('POST', '/api/analytics/horoscope', {});
    expect(answer.statusCode).toBe(404);
    expect(answer.json()).toMatchObject({ code: 'unknown_kind', detail: expect.stringContaining('funnel') });
  });

  it('says what is wrong with a body that is no JSON', async () => {
    const headers = { authorization: 'Bearer test-token', 'content-type': 'application/json' };
    const broken = await engine.app.inject({
      method: 'POST',
      url: '/api/analytics/trend',
      headers,
      payload: '{"series":',
    });
    expect(broken.json()).toMatchObject({ status: 400, code: 'invalid_json' });
    const form = await engine.app.inject({
      method: 'POST',
      url: '/api/analytics/trend',
      headers: { ...headers, 'content-type': 'text/plain' },
      payload: '{}',
    });
    expect(form.json()).toMatchObject({ status: 415, code: 'unsupported_media_type' });
    const large = await engine.app.inject({
      method: 'POST',
      url: '/api/analytics/trend',
      headers,
      payload: `"${'x'.repeat(2 << 20)}"`,
    });
    expect(large.json()).toMatchObject({ status: 413, code: 'body_too_large' });
  });

  it('tells a pattern that is none', async () => {
    const answer = await engine.call('POST', '/api/analytics/trend', {
      series: [{ where: [{ property: 'eventName', op: 'matches', value: '((a' }] }],
    });
    expect(answer.json()).toMatchObject({ status: 400, code: 'invalid_pattern' });
  });
});

describe('POST /api/analytics/{kind}/people', () => {
  it('lists the people behind a number, page by page', async () => {
    const url = '/api/analytics/trend/people';
    const asked = { ...users, cell: { series: 0 }, pageSize: 1 };
    const first = (await engine.call('POST', url, asked)).json();
    expect(first).toMatchObject({ people: [{ personId: 'ada', userId: 'ada', anonymousIds: [] }], total: 2 });
    const second = (await engine.call('POST', url, { ...asked, cursor: first.nextCursor })).json();
    expect(second).toMatchObject({ people: [{ personId: 'phone', userId: null }], total: 2, nextCursor: null });
    const other = await engine.call('POST', url, { ...asked, cell: { series: 0, time: today }, cursor: first.nextCursor });
    expect(other.json()).toMatchObject({ status: 400, code: 'invalid_cursor', field: 'cursor' });
  });

  it('names the kinds that there are', async () => {
    const answer = await engine.call('POST', '/api/analytics/horoscope/people', {});
    expect(answer.json()).toMatchObject({ status: 404, code: 'unknown_kind' });
  });
});

describe('channel rules of a project', () => {
  it('are applied to the past, and judged when they are set', async () => {
    const project = (await engine.call('GET', '/api/projects')).json().projects[0].id as string;
    const url = `/api/projects/${project}/settings`;
    const question = { conversion: { event: 'buy' }, models: ['first_touch'], from: '-2h' };
    const groups = async (): Promise<unknown> => (await engine.call('POST', '/api/analytics/attribution', question)).json().breakdowns;
    expect(await groups()).toMatchObject([{ breakdown: ['direct'], models: { first_touch: { conversions: 2 } } }]);
    const where = [{ property: 'eventName', op: 'matches', value: '^vi' }];
    expect((await engine.call('PUT', url, { channels: [{ name: 'shop window', where }] })).statusCode).toBe(200);
    expect(await groups()).toMatchObject([{ breakdown: ['shop window'], models: { first_touch: { conversions: 2 } } }]);
    const broken = [{ name: 'x', where: [{ property: 'eventName', op: 'matches', value: '((a' }] }];
    expect((await engine.call('PUT', url, { channels: broken })).json()).toMatchObject({ code: 'invalid_pattern', field: 'channels[0].where[0].value' });
    await engine.call('PUT', url, { channels: [] });
  });
});

describe('saved questions', () => {
  it('are versioned, run by name, and take another time (rules V2, V4)', async () => {
    const url = '/api/questions/trend/viewers';
    expect((await engine.call('GET', url)).json()).toMatchObject({ status: 404, code: 'unknown_question' });
    const first = await engine.call('PUT', url, { ...users, from: undefined, range: 'today' });
    expect([first.statusCode, first.headers['etag'], first.json().version]).toEqual([201, '"1"', 1]);
    const second = await engine.call('PUT', url, users, { 'if-match': '"1"' });
    expect([second.statusCode, second.json().version]).toEqual([200, 2]);
    expect((await engine.call('PUT', url, users, { 'if-match': '"1"' })).json()).toMatchObject({
      status: 409,
      code: 'version_conflict',
      field: 'If-Match',
    });
    expect((await engine.call('PUT', url, users, { 'if-none-match': '*' })).json()).toMatchObject({
      status: 409,
      code: 'version_conflict',
      field: 'If-None-Match',
    });
    expect((await engine.call('PUT', url, users, { 'if-match': '2' })).json()).toMatchObject({
      status: 400,
      field: 'If-Match',
    });
    expect((await engine.call('GET', `${url}?version=1`)).json().question).toMatchObject({ range: 'today' });
    expect((await engine.call('GET', '/api/questions?kind=trend')).json().questions).toMatchObject([
      { name: 'viewers', version: 2 },
    ]);

    expect((await engine.call('GET', '/api/analytics/trend?name=viewers')).json().series[0].total).toBe(2);
    const narrowed = await engine.call(
      'GET',
      `/api/analytics/trend?name=viewers&version=1&from=${today}&to=tomorrow`,
    );
    expect(narrowed.json().series[0].points).toHaveLength(24);
    expect(narrowed.json().meta.question).toEqual({ name: 'viewers', version: 1 });
    expect((await engine.call('GET', '/api/analytics/trend?name=viewers&granularity=day')).json()).toMatchObject({ status: 400, code: 'unknown_field', field: 'granularity' });
    const people = await engine.call('POST', '/api/analytics/trend/people', { name: 'viewers', cell: { series: 0 } });
    expect(people.json()).toMatchObject({ total: 2, people: [{ personId: 'ada' }, { personId: 'phone' }] });
    expect((await engine.call('POST', '/api/analytics/trend/people', { name: 'nobody', cell: { series: 0 } })).json()).toMatchObject({ status: 404, code: 'unknown_question' });
    expect((await engine.call('GET', `${url}/versions`)).json().versions).toMatchObject([{ version: 2, savedBy: expect.any(String) }, { version: 1 }]);
    expect((await engine.call('PUT', url, Object.fromEntries(Object.entries(users).reverse()))).json()).toMatchObject({ version: 2, savedAt: expect.any(String) });
    expect((await engine.call('GET', '/api/analytics/trend?name=viewers&from=2020-01-01&to=2020-01-02')).json().series[0].total).toBe(0);

    expect((await engine.call('DELETE', url, undefined, { 'content-type': 'application/json' })).statusCode).toBe(204);
    expect((await engine.call('GET', '/api/analytics/trend?name=viewers')).statusCode).toBe(404);
  });

  it('are checked as if asked when they are saved, and nothing is kept of a wrong one; they are listed until they are deleted (rules V1, V3)', async () => {
    const questions = {
      trend: { series: [{ measure: 'users' }], breakdown: ['session.country', 'person.plan'] },
      funnel: { steps: [{ event: 'view' }, { event: 'buy' }], breakdown: ['properties.x'] },
      sessions: {},
      retention: { start: {}, return: {} },
      attribution: { conversion: {} },
      experiment: { exposure: {}, metrics: [{ measure: 'events' }], waitFor: '2030-01-01' },
    };
    for (const [kind, question] of Object.entries(questions)) {
      const url = `/api/questions/${kind}/${encodeURIComponent("it's / 100 %")}`;
      expect((await engine.call('PUT', url, { ...question, range: 'last year' })).json(), kind).toMatchObject({ status: 400, code: 'invalid_value', field: 'range' });
      expect((await engine.call('PUT', url, { ...question, where: [{ property: 'price', op: 'is_set' }] })).json(), kind).toMatchObject({ status: 400, code: 'unknown_property', field: 'where[0].property' });
      expect((await engine.call('PUT', url, { ...question, where: [{ property: 'userId', op: 'matches', value: '((a' }] })).json(), kind).toMatchObject({ status: 400, code: 'invalid_pattern' });
      expect((await engine.call('GET', url)).statusCode, kind).toBe(404);
      expect((await engine.call('PUT', url, question)).statusCode, kind).toBe(201);
      expect((await engine.call('GET', url)).json(), kind).toMatchObject({ kind, name: "it's / 100 %", version: 1, question });
    }
    const listed = async (query: string): Promise<{ questions: { kind: string }[]; nextCursor: string | null }> => (await engine.call('GET', `/api/questions${query}`)).json();
    const kinds = Object.keys(questions).toSorted();
    const first = await listed('?limit=3');
    expect(first.questions.map(({ kind }) => kind)).toEqual(kinds.slice(0, 3));
    const second = await listed(`?limit=3&cursor=${first.nextCursor}`);
    expect([second.questions.map(({ kind }) => kind), second.nextCursor]).toEqual([kinds.slice(3), null]);
    expect((await listed('/funnel')).questions).toHaveLength(1);
    expect((await engine.call('GET', '/api/questions?cursor=x')).json()).toMatchObject({ status: 400, code: 'invalid_cursor' });
    for (const kind of kinds) await engine.call('DELETE', `/api/questions/${kind}/${encodeURIComponent("it's / 100 %")}`);
    expect((await listed('')).questions).toEqual([]);
  });

  it('have people behind each number, of every kind, over another time than saved; a page goes on with the same change (rule V4)', async () => {
    const [start, next] = [{ event: 'view' }, { event: 'buy' }];
    const asked: [kind: string, question: object, cell: object, people: string[]][] = [
      ['trend', { series: [{ event: 'view', measure: 'users' }] }, { series: 0 }, ['ada', 'phone']],
      ['funnel', { steps: [start, next] }, { step: 2, outcome: 'dropped' }, ['phone']],
      ['sessions', {}, {}, ['ada', 'phone']],
      ['retention', { start, return: next }, { column: 0, outcome: 'retained' }, ['ada']],
      ['paths', { after: start, steps: 2 }, { step: 1, node: 'view' }, ['ada', 'phone']],
      ['attribution', { conversion: next }, { model: 'first_touch' }, ['ada']],
      ['cohort', { all: [{ did: 'view' }] }, {}, ['ada', 'phone']],
      ['experiment', { exposure: start, variant: 'eventName', metrics: [next] }, { variant: 'view' }, ['ada', 'phone']],
    ];
    for (const [kind, question, cell, people] of asked) {
      const saved = `/api/questions/${kind}/shop`;
      expect((await engine.call('PUT', saved, { ...question, from: '2020-01-01', to: '2020-01-02' })).statusCode, kind).toBe(201);
      const listed = async (more: object): Promise<{ people: { personId: string }[]; total: number; nextCursor: string | null; code?: string; field?: string }> =>
        (await engine.call('POST', `/api/analytics/${kind}/people`, { name: 'shop', cell, ...more })).json();
      const idsOf = ({ people: those }: { people: { personId: string }[] }): string[] => those.map(({ personId }) => personId);
      // As saved it is about a time before anything happened, of which some kinds have no such number.
      expect((await listed({})).total ?? 0, kind).toBe(0);
      const change = { from: '-2h', to: 'now', timezone: 'Asia/Kathmandu', includeBots: false, cache: false };
      const all = await listed(change);
      expect([idsOf(all), all.total], kind).toEqual([people, people.length]);
      expect(idsOf(await listed({ range: 'last 2h', version: 1 })), kind).toEqual(people);
      const first = await listed({ range: 'last 2h', pageSize: 1 });
      if (first.nextCursor !== null) expect(idsOf(await listed({ range: 'last 2h', pageSize: 1, cursor: first.nextCursor })), kind).toEqual(people.slice(1));
      expect(await listed({ where: [] }), kind).toMatchObject({ code: 'unknown_field', field: 'where' });
      expect(await listed({ range: 5 }), kind).toMatchObject({ code: 'invalid_type', field: 'range' });
      expect(await listed({ range: 'last 2h', version: 99 }), kind).toMatchObject({ code: 'unknown_version', field: 'version' });
      await engine.call('DELETE', saved);
    }
  });

  it('of a kind that there is not, or in a version that there is not, are told so', async () => {
    for (const url of ['/api/analytics/horoscope?name=x', '/api/analytics/horoscope', '/api/analytics/horoscope?other=x']) {
      expect((await engine.call('GET', url)).json(), url).toMatchObject({ status: 404, code: 'unknown_kind', detail: expect.stringContaining('funnel') });
    }
    expect((await engine.call('POST', '/api/analytics/horoscope/people', { name: 'x', cell: {} })).json()).toMatchObject({ status: 404, code: 'unknown_kind' });
    await engine.call('PUT', '/api/questions/trend/once', users);
    for (const url of ['/api/analytics/trend?name=once&version=99', '/api/questions/trend/once?version=99']) {
      expect((await engine.call('GET', url)).json(), url).toMatchObject({ status: 404, code: 'unknown_version', field: 'version', detail: expect.stringContaining('version 1 alone') });
    }
    expect((await engine.call('GET', '/api/analytics/trend?name=never&version=99')).json()).toMatchObject({ status: 404, code: 'unknown_question', field: 'name' });
    await engine.call('DELETE', '/api/questions/trend/once');
  });

  it('are saved only for kinds that there are', async () => {
    expect((await engine.call('PUT', '/api/questions/horoscope/x', {})).json()).toMatchObject({
      status: 404,
      code: 'unknown_kind',
    });
    expect((await engine.call('PUT', '/api/questions/trend/x', [1])).json()).toMatchObject({
      status: 400,
      code: 'invalid_type',
    });
  });
});

describe('another project', () => {
  it('sees none of it', async () => {
    const { token } = (await engine.call('POST', '/api/projects', { name: 'Other' })).json();
    const other = { authorization: `Bearer ${token.secret}` };
    expect((await engine.call('POST', '/api/analytics/trend', users, other)).json().series[0].total).toBe(0);
    expect((await engine.call('GET', '/api/users/ada/timeline', undefined, other)).json()).toMatchObject({ events: [], nextCursor: null });
    expect((await engine.call('GET', '/api/events/a1', undefined, other)).statusCode).toBe(404);
    expect((await engine.call('POST', '/api/events/export', {}, other)).body).toBe('');
    expect((await engine.call('GET', '/api/pipeline', undefined, other)).json().balance.received).toBe(0);
  });
});

describe('cohorts', () => {
  const put = (name: string, question: object) => engine.call('PUT', `/api/questions/cohort/${encodeURIComponent(name)}`, question);

  it('are saved as questions, and filter and split the others', async () => {
    expect((await put('buyers', { all: [{ did: 'buy' }] })).statusCode).toBe(201);
    const where = [{ property: 'cohort', op: 'not_in', value: ['buyers'] }];
    expect((await engine.call('POST', '/api/analytics/trend', { ...users, where })).json().series[0].total).toBe(1);
    const split = (await engine.call('POST', '/api/analytics/trend', { ...users, breakdown: ['cohort.buyers'] })).json();
    expect(split.series).toMatchObject([{ breakdown: ['in'], total: 1 }, { breakdown: ['not in'], total: 1 }]);
    expect((await engine.call('GET', '/api/analytics/cohort?name=buyers')).json()).toMatchObject({ size: 1 });
    const people = (await engine.call('POST', '/api/analytics/cohort/people', { all: [{ did: 'buy' }], cell: {} })).json();
    expect(people).toMatchObject({ people: [{ personId: 'ada' }], total: 1 });
    const file = await engine.call('POST', '/api/events/export', { from: '-2h', to: 'tomorrow', where });
    expect(file.body.trim().split('\n').map((line: string) => JSON.parse(line).eventId)).toEqual(['b1']);
  });

  it('are judged when they are saved: none contains itself or one that there is not', async () => {
    expect((await put('a', { all: [{ did: 'buy' }] })).statusCode).toBe(201);
    expect((await put('b', { all: [{ property: 'cohort', op: 'in', value: ['a'] }] })).statusCode).toBe(201);
    const circle = await put('a', { all: [{ did: 'buy' }, { property: 'cohort', op: 'in', value: ['b'] }] });
    expect([circle.statusCode, circle.json()]).toMatchObject([400, { code: 'cohort_cycle', field: 'all[1].value' }]);
    expect((await put('c', { all: [{ property: 'cohort', op: 'in', value: ['nobody'] }] })).json()).toMatchObject({ code: 'unknown_cohort' });
    expect((await put('c', { all: [] })).json()).toMatchObject({ code: 'invalid_value', field: 'all' });
    await engine.call('DELETE', '/api/questions/cohort/a');
    expect((await engine.call('GET', '/api/analytics/cohort?name=b')).json()).toMatchObject({ code: 'unknown_cohort', field: 'all[0].value' });
  });

  it('are static when they are so saved: from conditions, ids or a cell; each saving is a version, and keeps its people alone', async () => {
    const rows = async (): Promise<number> => Number((await engine.warehouse.query<{ n: number }>('SELECT count() AS n FROM cohort_members')).rows[0]?.n);
    const size = async (name: string): Promise<number> => (await engine.call('GET', `/api/analytics/cohort?name=${name}`)).json().size;
    const first = await put('then', { mode: 'static', all: [{ did: 'buy' }], breakdown: ['person.plan'] });
    expect([first.statusCode, first.json()]).toMatchObject([201, { version: 1, members: { people: 1 }, question: { mode: 'static', all: [{ did: 'buy' }] } }]);
    expect((await put('listed', { mode: 'static', people: ['ada', 'nobody'] })).json()).toMatchObject({ members: { people: 2, ids: 2 }, question: { mode: 'static', people: [] } });
    const behind = { kind: 'trend', question: users, cell: { series: 0 } };
    expect((await put('behind', { mode: 'static', behind })).json()).toMatchObject({ members: { people: 2 }, question: { behind } });
    expect([await size('then'), await size('listed'), await size('behind')]).toEqual([1, 1, 2]);
    expect((await engine.call('GET', '/api/analytics/cohort?name=then')).json()).toMatchObject({ breakdowns: [{ breakdown: ['(not set)'], size: 1 }], meta: { question: { name: 'then', version: 1 } } });
    expect((await engine.call('POST', '/api/analytics/cohort/people', { name: 'listed', cell: {} })).json()).toMatchObject({ people: [{ personId: 'ada' }], total: 1 });
    const where = [{ property: 'cohort', op: 'in', value: ['listed'] }];
    expect((await engine.call('POST', '/api/analytics/trend', { ...users, where })).json().series[0].total).toBe(1);
    const file = await engine.call('POST', '/api/events/export', { from: '-2h', to: 'tomorrow', where: [{ ...where[0], op: 'not_in' }] });
    expect(file.body.trim().split('\n').map((line: string) => JSON.parse(line).eventId)).toEqual(['b1']);

    const before = await rows();
    const again = await put('listed', { mode: 'static', people: ['ada', 'nobody'] });
    expect([again.statusCode, again.json().version, await rows()]).toEqual([200, 2, before]);
    expect((await engine.call('GET', '/api/analytics/cohort?name=listed&version=2')).json()).toMatchObject({ size: 1 });
    expect((await engine.call('GET', '/api/analytics/cohort?name=listed&version=1')).json()).toMatchObject({ status: 400, code: 'unsupported_combination', field: 'version' });
    const conflict = await engine.call('PUT', '/api/questions/cohort/listed', { mode: 'static', people: ['ada'] }, { 'if-match': '"1"' });
    expect([conflict.statusCode, await rows()]).toEqual([409, before]);
    expect((await put('listed', { mode: 'static', people: [] })).json()).toMatchObject({ status: 400, code: 'invalid_value', field: 'people' });
    const many = await put('many', { mode: 'static', people: Array.from({ length: 100_000 }, (_, i) => `00000000-0000-0000-0000-${i}`) });
    expect([many.statusCode, many.json().members]).toEqual([201, { people: 100_000, ids: 100_000 }]);

    expect((await put('many', { all: [{ did: 'buy' }] })).json()).toMatchObject({ version: 2 });
    expect(await rows()).toBe(before);
    for (const name of ['then', 'listed', 'behind']) await engine.call('DELETE', `/api/questions/cohort/${name}`);
    expect([await rows(), engine.failures]).toEqual([0, []]);
  });
});
