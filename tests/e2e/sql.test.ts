/** SQL of somebody's own (rules Z1 to Z9), through a running server: what it may see, and that it can be stopped. */
import { readlinkSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ServerUnderTest } from '../server-under-test.ts';
import { Project, type Json } from './project.ts';
import { waitingBytes, waitingProcess } from './waiting-process.ts';

let server: ServerUnderTest;
let shop: Project;
let other: Project;

/** Takes minutes, and next to no memory. */
const ENDLESS = 'SELECT max(cityHash64(arrayJoin(range(100000000)), arrayJoin(range(100000000)))) FROM events';

beforeAll(async () => {
  server = await ServerUnderTest.start({ env: { TIDEMARK_LOG_LEVEL: 'info' } });
  shop = await Project.first(server);
  other = await Project.create(server, 'other');
  const visits = Array.from({ length: 500 }, (_, i) => ({ eventId: `v${i}`, eventName: i % 2 === 0 ? 'view' : 'pay', userId: `u${i % 50}`, anonymousId: `d${i % 50}`, properties: { price: i / 10 } }));
  await shop.send([...visits, { eventId: 'l1', eventName: 'login', userId: 'ann', anonymousId: 'd-ann', traits: { plan: 'pro' } }, { eventId: 'l2', eventName: 'view', anonymousId: 'd-ann' }]);
  await other.send([{ eventId: 's1', eventName: 'secret-event', userId: 'secret-user' }]);
  await shop.settled();
  await other.settled();
});
afterAll(() => server.stop());

async function ask(question: Json, of: Project = shop): Promise<{ status: number; body: Json; retryAfter: string | null }> {
  const response = await of.request('/api/analytics/sql', { body: question });
  return { status: response.status, body: (await response.json()) as Json, retryAfter: response.headers.get('retry-after') };
}

const queryProcesses = (): number[] => server.processes('sql-process');
/** Without the one that waits for the next query. */
const alive = (pids: readonly number[]): number[] => queryProcesses().filter((pid) => pids.includes(pid));

it('answers of the views, as fresh as other questions, with values as JSON holds them', async () => {
  const counted = await ask({ query: 'SELECT count() AS n, uniqExact(person_id) AS people FROM events', waitFor: shop.receivedAt });
  expect(counted.body).toMatchObject({ columns: [{ name: 'n', type: 'UInt64' }, { name: 'people', type: 'UInt64' }], rows: [[502, 51]], meta: { sql: expect.stringContaining('count()') } });
  expect(counted.body['meta'].asOf >= shop.receivedAt).toBe(true);
  const named = await ask({ query: 'SELECT sum(length(event_name)) FROM events' });
  expect(named.body['meta'].rowsRead).toBe(502);
  const person = await ask({ query: "SELECT person_id, anonymous_ids, events, traits FROM people WHERE user_id = 'ann'" });
  expect(person.body['rows']).toEqual([['ann', ['d-ann'], 2, '{"plan":"pro"}']]);
  const session = await ask({ query: "SELECT person_id, events, bounced, entry_event FROM sessions WHERE anonymous_id = 'd-ann'" });
  expect(session.body['rows']).toEqual([['ann', 2, false, 'login']]);
  expect((await ask({ query: "SELECT kind, person_id FROM identities WHERE id = 'd-ann'" })).body['rows']).toEqual([['device', 'ann']]);
  const values = await ask({ query: "SELECT 9007199254740993::Int64, 7::UInt64, nan, 1/0, toDecimal64('1.25', 2), [1, NULL], map('a', 1::UInt64), true, toDateTime64('2026-05-03 10:00:00.123', 3, 'UTC'), NULL" });
  expect(values.body['rows']).toEqual([['9007199254740993', 7, null, null, '1.25', [1, null], { a: 1 }, true, '2026-05-03T10:00:00.123Z', null]]);
});

it('parameters are values, whatever is in them', async () => {
  const texts = ["' OR 1=1 --", '\\', '\0', '/* */', '"`ü😀', '{from}', "'); DROP TABLE events"];
  const params = Object.fromEntries(texts.map((text, i) => [`t${i}`, text]));
  const hostile = await ask({ query: `SELECT ${Object.keys(params).map((name) => `{${name}}, countIf(event_name = {${name}})`).join(', ')} FROM events`, params });
  expect(hostile.body['rows'], JSON.stringify(hostile.body)).toEqual([texts.flatMap((text) => [text, 0])]);
  const { body } = await ask({ query: 'SELECT count() FROM events WHERE event_name IN {names} AND time >= {from} AND time < {to:DateTime64(3)} LIMIT {n}', params: { names: ['view', 'login'], n: 5 }, to: 'tomorrow' });
  expect(body['rows']).toEqual([[252]]);
});

it('another project is not there, not even in the message of an error', async () => {
  expect((await ask({ query: 'SELECT count() FROM events' }, other)).body['rows']).toEqual([[1]]);
  for (const query of ['SELECT toUInt64(event_name) FROM events', 'SELECT DISTINCT event_name, user_id FROM events']) {
    expect(JSON.stringify(await ask({ query }))).not.toContain('secret');
  }
});

it.each([
  ["SELECT * FROM file('/etc/passwd', 'LineAsString')", 'file'],
  ["SELECT * FROM url('http://127.0.0.1/', 'LineAsString')", 'url'],
  ['SELECT name FROM system.tables', 'system.tables'],
  ['SELECT count() FROM events SETTINGS max_memory_usage = 0', 'SETTINGS'],
  ['SELECT * FROM events FORMAT Native', 'FORMAT'],
  ["SELECT 1 INTO OUTFILE '/tmp/x'", 'INTO OUTFILE'],
  ['SELECT 1; DROP TABLE events -- SELECT', ';'],
])('%s is not allowed', async (query, value) => {
  const { status, body } = await ask({ query });
  expect({ status, ...body }, JSON.stringify(body)).toMatchObject({ status: 400, code: 'sql_not_allowed', field: 'query', value });
});

it('what the parser does not understand is told in its words; too much and too large each by its own code (rule Z4)', async () => {
  expect((await ask({ query: 'SELECT FROM WHERE' })).body).toMatchObject({ code: 'sql_invalid', field: 'query' });
  expect((await ask({ query: 'SELECT nope FROM events' })).body).toMatchObject({ code: 'sql_invalid', detail: expect.stringContaining('nope') });
  expect((await ask({ query: 'SELECT arrayJoin(range(10001))' })).body).toMatchObject({ code: 'sql_result_too_large', status: 422 });
  expect((await ask({ query: "SELECT repeat('x', 1000000) FROM events LIMIT 20" })).body).toMatchObject({ code: 'sql_result_too_large' });
  expect((await ask({ query: 'SELECT length(range(toUInt64(400000000)))' })).body).toMatchObject({ code: 'sql_out_of_memory', status: 422 });
  expect((await ask({ query: 'SELECT count() FROM events', explain: true })).body).toMatchObject({ estimatedRows: expect.any(Number) });
});

it('an estimate is no file, asked or saved', async () => {
  const question = { query: 'SELECT count() FROM events', explain: true, format: 'csv' };
  const problem = { status: 400, code: 'unsupported_combination', field: 'explain' };
  expect((await ask(question)).body).toMatchObject(problem);
  expect(await shop.api('/api/questions/sql/estimated', question, { method: 'PUT', status: 400 })).toMatchObject(problem);
});

it('what reads too many rows is told how many before it runs, what takes too long is ended (rules Z4, Z5)', async () => {
  const strict = await ServerUnderTest.start({ env: { TIDEMARK_SQL_ROWS_TO_READ: '100', TIDEMARK_SQL_TIMEOUT_SECONDS: '1' } });
  try {
    const project = await Project.first(strict);
    await project.send([{ eventId: '1', eventName: 'view', userId: 'ann' }]);
    await project.settled();
    const read = await ask({ query: 'SELECT count() FROM events', waitFor: project.receivedAt }, project);
    expect(read, JSON.stringify(read.body)).toMatchObject({ status: 422, body: { code: 'sql_reads_too_much', field: 'query', value: expect.any(Number) } });
    expect(read.body['value']).toBeGreaterThan(100);
    const none = await ask({ query: "SELECT count() FROM events WHERE time < '2000-01-01'" }, project);
    expect(none.body['rows'], JSON.stringify(none.body)).toEqual([[0]]);
    const numbers = (alias: string): string => `(SELECT arrayJoin(range(100000)) AS ${alias})`;
    const long = await ask({ query: `SELECT max(cityHash64(a, b, c)) FROM ${numbers('a')} AS x CROSS JOIN ${numbers('b')} AS y CROSS JOIN ${numbers('c')} AS z` }, project);
    expect(long, JSON.stringify(long.body)).toMatchObject({ status: 422, body: { code: 'sql_timeout', field: 'query' } });
  } finally {
    await strict.stop();
  }
});

it('while two heavy ones run the third is told to wait and a trend answers; cancelled, they are gone (rule Z4)', async () => {
  const running = ['first', 'second'].map((queryId) => ask({ query: ENDLESS, queryId }));
  await expect.poll(() => queryProcesses().length).toBe(2);
  const pids = queryProcesses();
  const third = await ask({ query: 'SELECT 1' });
  expect(third).toMatchObject({ status: 429, body: { code: 'too_many_queries' } });
  expect(Number(third.retryAfter)).toBeGreaterThan(0);
  for (let n = 0; n < 3; n++) await shop.api('/api/analytics/trend', { series: [{ event: 'view', measure: 'users' }], granularity: 'day' });
  expect(alive(pids)).toEqual(pids);
  const cancel = (queryId: string, of = shop): Promise<Response> => of.request(`/api/analytics/sql/${queryId}`, { method: 'DELETE' });
  expect((await cancel('first', other)).status).toBe(404);
  expect((await cancel('first')).status).toBe(200);
  expect((await cancel('second')).status).toBe(200);
  for (const { status, body } of await Promise.all(running)) expect({ status, code: body['code'] }).toEqual({ status: 409, code: 'sql_cancelled' });
  expect(alive(pids)).toEqual([]);
});

it('when who asked goes away, the process does', async () => {
  const before = await waitingProcess(server);
  const gone = new AbortController();
  const asked = shop.request('/api/analytics/sql', { body: { query: ENDLESS }, signal: gone.signal }).catch(() => 'gone');
  // It has the process that waited.
  await expect.poll(() => waitingBytes(server)).toBe(0);
  expect(queryProcesses()).toEqual([before]);
  gone.abort();
  expect(await asked).toBe('gone');
  await expect.poll(() => alive([before])).toEqual([]);
});

it('a query has a network, a root folder and processes of its own, unless the engine said that the machine allows none', async () => {
  await ask({ query: 'SELECT 1' });
  const pid = await waitingProcess(server);
  const isPlain = server.output.includes('SQL queries run in plain processes');
  for (const space of ['user', 'mnt', 'net', 'pid']) {
    expect(readlinkSync(`/proc/${pid}/ns/${space}`) === readlinkSync(`/proc/self/ns/${space}`), space).toBe(isPlain);
  }
});

it('all of a result as a file, or an aborted response (rule Z8)', async () => {
  const file = async (question: Json): Promise<Buffer> => {
    const response = await shop.request('/api/analytics/sql', { body: question });
    expect(response.status).toBe(200);
    return Buffer.from(await response.arrayBuffer());
  };
  const query = 'SELECT arrayJoin(range(150000)) AS n';
  const csv = (await file({ query, format: 'csv' })).toString().trimEnd().split('\n');
  expect([csv.length, csv[0], csv[1], csv.at(-1)]).toEqual([150_001, '"n"', '0', '149999']);
  const lines = (await file({ query, format: 'ndjson' })).toString().trimEnd().split('\n');
  expect([lines.length, lines.at(-1)]).toEqual([150_000, '{"n":149999}']);
  await shop.api('/api/questions/sql/numbers', { query, format: 'ndjson' }, { method: 'PUT', status: 201 });
  expect(await (await shop.request('/api/analytics/sql?name=numbers')).text()).toBe(`${lines.join('\n')}\n`);
  const parquet = await file({ query, format: 'parquet' });
  expect([parquet.subarray(0, 4).toString(), parquet.subarray(-4).toString()]).toEqual(['PAR1', 'PAR1']);
  expect((await ask({ query: 'SELECT sleep(1)', format: 'csv' })).body).toMatchObject({ code: 'sql_not_allowed' });
  await expect(file({ query: "SELECT intDiv(1, 149000 - arrayJoin(range(150000))) AS n", format: 'ndjson' }).catch(() => Promise.reject(new Error('aborted')))).rejects.toThrow('aborted');
});
