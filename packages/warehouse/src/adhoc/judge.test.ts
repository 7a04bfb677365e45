/** What a SELECT of somebody's own may be made of (rules Z1 and Z6), by the engine's own parser and planner. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Session as ChdbSession } from 'chdb';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { literal } from '../literal.ts';
import { ALLOWED_FUNCTIONS } from './functions.ts';
import { Planner } from './planner.ts';
import { QueryEngine } from './query-engine.ts';
import { AdhocRefusal } from './refusal.ts';

const { Session } = createRequire(import.meta.url)('chdb') as typeof import('chdb');
const folder = mkdtempSync(join(tmpdir(), 'tidemark-judge-'));
const HOUR_MS = 3_600_000;
const RUNS = Number(process.env['TIDEMARK_SQL_RUNS'] ?? 60);
const ORDER = {
  tables: [{ name: 'events', columns: "time DateTime64(3, 'UTC'), name String, device String" }, { name: 'claims', columns: 'device String, user String' }],
  views: [
    { name: 'events', select: 'SELECT time, name, user AS person_id FROM events LEFT ANY JOIN claims USING device', selectWithoutPersons: "SELECT time, name, '' AS person_id FROM events", reads: ['events', 'claims'] },
    { name: 'people', select: 'SELECT user AS person_id, count() AS events FROM events JOIN claims USING device GROUP BY user', reads: ['events', 'claims'] },
  ],
  estimated: { table: 'events', extents: Array.from({ length: 24 }, (_, hour) => ({ fromMs: hour * HOUR_MS, toMs: (hour + 1) * HOUR_MS - 1, rows: 1_000_000 })) },
  bounds: { timeoutMs: 10_000, memoryBytes: 1e9, rowsToRead: 100_000_000, rows: 10, bytes: 1_000 },
};
let session: ChdbSession;
let engine: QueryEngine;
let planner: Planner;

beforeAll(async () => {
  session = new Session(folder);
  engine = await QueryEngine.over(session);
  planner = new Planner(engine, { ...ORDER, explain: true });
  await planner.prepare();
});
afterAll(() => {
  session.close();
  rmSync(folder, { recursive: true, force: true });
});

const refusal = async (query: string): Promise<unknown> => planner.judge(query).catch((error: unknown) => error);

describe('what is not allowed', () => {
  it.each([
    ["SELECT * FROM file('/etc/passwd', 'LineAsString')", 'file'],
    ["SELECT file('/etc/passwd')", 'file'],
    ["SELECT * FROM events WHERE event_name IN (SELECT line FROM file('/etc/passwd', 'LineAsString', 'line String'))", 'file'],
    ["SELECT (SELECT * FROM url('http://127.0.0.1/', 'LineAsString'))", 'url'],
    ["SELECT * FROM s3('http://127.0.0.1/x')", 's3'],
    ["SELECT * FROM `system`.`tables`", 'system.tables'],
    ['SELECT * FROM planned_tables.events', 'planned_tables.events'],
    ['SELECT 1 IN system.one', 'system.one'],
    ['SELECT * FROM numbers(10)', 'numbers'],
    ['SELECT * FROM generateRandom()', 'generateRandom'],
    ['SELECT * FROM (EXPLAIN SELECT 1)', 'viewExplain'],
    ['VALUES (1)', 'VALUES'],
    ["SELECT 1 INTO OUTFILE '/tmp/x'", 'INTO OUTFILE'],
    ['SELECT 1 FORMAT Null', 'FORMAT'],
    ['SELECT 1 SETTINGS max_threads = 8', 'SETTINGS'],
    ['SELECT * FROM (SELECT 1 SETTINGS readonly = 0)', 'SETTINGS'],
    ['SELECT 1; SELECT 2', ';'],
    ['SELECT 1; DROP TABLE events -- SELECT', ';'],
    ['EXECUTE AS default SELECT 1', 'EXECUTE'],
    ['DROP TABLE events', 'DROP'],
    ['INSERT INTO events SELECT 1', 'INSERT'],
    ['SET readonly = 0', 'SET'],
    ["SELECT dictGet('d', 'a', 1)", 'dictGet'],
    ["SELECT joinGet('events', 'a', 1)", 'joinGet'],
    ["SELECT getSetting('max_threads')", 'getSetting'],
    ['SELECT hostName()', 'hostName'],
    ['SELECT * APPLY (hostName) FROM events', 'APPLY'],
    ['SELECT count() OVER (PARTITION BY sleep(1)) FROM events', 'sleep'],
    ['SELECT 1 ORDER BY 1 WITH FILL FROM sleepEachRow(1)', 'sleepEachRow'],
    ['SELECT SLEEP(1)', 'SLEEP'],
    ['WITH sleep(1) AS s SELECT s', 'sleep'],
    ['SELECT arrayMap(x -> sleep(1), [1])', 'sleep'],
  ])('%s', async (query, value) => {
    const refused = await refusal(query);
    expect(refused, query).toBeInstanceOf(AdhocRefusal);
    expect(refused).toMatchObject({ code: 'sql_not_allowed', value });
  });

  it('any function that is not on the list, wherever it stands', async () => {
    const { data } = JSON.parse(session.query('SELECT name FROM system.functions', 'JSON')) as { data: { name: string }[] };
    const allowed = new Set(ALLOWED_FUNCTIONS);
    const names = data.map(({ name }) => name).filter((name) => !allowed.has(name));
    const places = [(f: string) => `SELECT ${f}`, (f: string) => `SELECT 1 FROM events WHERE ${f} = 1`, (f: string) => `WITH ${f} AS x SELECT x`, (f: string) => `SELECT arrayMap(x -> ${f}, [1])`, (f: string) => `SELECT 1 UNION ALL SELECT ${f}`, (f: string) => `SELECT sum(1) OVER (PARTITION BY ${f})`];
    const bad = new Set(['sleep', 'sleepEachRow', 'file', 'dictGet', 'hostName', 'getSetting', 'joinGet', 'hasColumnInTable', 'currentDatabase', 'throwIf', 'filesystemAvailable', 'getServerPort', 'version', 'showCertificate', 'catboostEvaluate', 'aiGenerate', 'getMacro']);
    expect([...bad].filter((name) => !names.includes(name))).toEqual([]);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...bad), fc.constantFrom(...places), async (name, place) => {
        expect(await refusal(place(`${name}('a')`))).toMatchObject({ code: 'sql_not_allowed', value: name });
      }),
      { numRuns: RUNS },
    );
  });
});

describe('what is allowed', () => {
  it.each([
    'SELECT 1',
    'SELECT COUNT(*), Sum(length(name)), lcase(name) FROM events GROUP BY name',
    'WITH e AS (SELECT name FROM events) SELECT name, uniqExactIf(name, name LIKE \'a%\') FROM e GROUP BY ALL',
    'SELECT CASE name WHEN \'a\' THEN 1 ELSE 2 END, CASE WHEN name = \'b\' THEN 1 END FROM events',
    'SELECT name, row_number() OVER (PARTITION BY name ORDER BY time ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM events',
    'SELECT * EXCEPT (name) FROM events AS e LEFT JOIN people AS p ON e.person_id = p.person_id',
    'SELECT toStartOfHour(time) AS h, count() FROM events GROUP BY h ORDER BY h WITH FILL STEP INTERVAL 1 HOUR',
    'SELECT quantiles(0.5, 0.9)(toUnixTimestamp64Milli(time)) FROM events WHERE name IN (SELECT name FROM events) OR EXISTS (SELECT 1)',
    'SELECT arrayMap((x, y) -> x + y, [1], [2])[1], (1, \'a\').2, map(\'a\', 1)[\'a\'], \'5\'::UInt8, time + INTERVAL 1 DAY FROM events',
    'SELECT windowFunnel(3600)(toDateTime(time), name = \'a\', name = \'b\') FROM events GROUP BY person_id',
    'SELECT 1 UNION ALL SELECT 2 EXCEPT SELECT 2',
    'SELECT name, count() FROM events GROUP BY GROUPING SETS ((name), ()) HAVING count() > 1 LIMIT 1 BY name LIMIT 5',
    '/* a comment */ SELECT 1 -- and one more; DROP TABLE events',
    'SELECT JSONExtractString(name, \'a\'), extract(name, \'a(.)\'), trim(name), EXTRACT(YEAR FROM time) FROM events;',
  ])('%s', async (query) => {
    expect(await refusal(query)).toMatchObject({ canonical: expect.any(String) });
  });

  it('texts and names that look like lines of a tree are what they are, and hide nothing', async () => {
    const hostile = fc.constantFrom('\n Function sleep (children 1)', '\nTABLE id: 3, table_name: system.tables', "'", '\\', '`', '\0', '--', '/*', ';', ' (alias x)', ', table_name: planned.events', 'ü😀', ')');
    await fc.assert(
      fc.asyncProperty(fc.array(hostile, { maxLength: 4 }), async (parts) => {
        const text = parts.join('');
        expect(await refusal(`SELECT ${literal(text)} FROM events WHERE name = ${literal(text)}`)).toMatchObject({ estimatedRows: expect.any(Number) });
        const quoted = `\`${literal(text).slice(1, -1).replaceAll('`', '\\`')}x\``;
        expect(await refusal(`SELECT sleep(1) AS ${quoted}`)).toMatchObject({ code: 'sql_not_allowed' });
        expect(await refusal(`SELECT 1 AS ${quoted} FROM system.tables AS ${quoted}`)).toMatchObject({ code: 'sql_not_allowed' });
      }),
      { numRuns: RUNS },
    );
  });
});

it('tells which views are read, and whether persons are asked for', async () => {
  expect(await refusal('SELECT name FROM events')).toMatchObject({ reads: { views: new Set(['events']), persons: false } });
  expect(await refusal('SELECT * FROM events')).toMatchObject({ reads: { persons: true } });
  expect(await refusal('SELECT count() FROM events WHERE person_id IN (SELECT person_id FROM people)')).toMatchObject({ reads: { views: new Set(['events', 'people']), persons: true } });
});

it('estimates the rows by the time that is asked for, each reading counted', async () => {
  expect(await refusal('SELECT count() FROM events')).toMatchObject({ estimatedRows: 24_000_000 });
  expect(await refusal("SELECT count() FROM events WHERE time >= '1970-01-01 22:00:00'")).toMatchObject({ estimatedRows: 2_000_000 });
  expect(await refusal('SELECT count() FROM events AS a, events AS b')).toMatchObject({ estimatedRows: 48_000_000 });
  const five = Array.from({ length: 5 }, () => 'SELECT count() FROM events').join(' UNION ALL ');
  expect(await refusal(five)).toMatchObject({ code: 'sql_reads_too_much', value: 120_000_000 });
});

it('the engine has every function of the list', () => {
  const { data } = JSON.parse(session.query('SELECT name FROM system.functions', 'JSON')) as { data: { name: string }[] };
  const known = new Set(data.map(({ name }) => name));
  // Of the language itself, not of the table.
  const inBuilt = ['lambda', 'exists', 'grouping'];
  expect(ALLOWED_FUNCTIONS.filter((name) => !known.has(name) && !inBuilt.includes(name))).toEqual([]);
});

it('does not estimate what can read no more than it may', async () => {
  await planner.forget();
  const lean = new Planner(engine, { ...ORDER, explain: false });
  await lean.prepare();
  for (const query of ['SELECT 1', 'SELECT count() FROM events', 'SELECT count() FROM people, events AS e']) {
    expect(await lean.judge(query), query).not.toHaveProperty('estimatedRows');
  }
  // Twice within the other, and that twice, and so on.
  const doubled = (times: number): string => (times === 0 ? 'SELECT name FROM events' : `SELECT a.name FROM x${times - 1} AS a, x${times - 1} AS b`);
  const chain = Array.from({ length: 4 }, (_, i) => `x${i} AS (${doubled(i)})`).join(', ');
  for (const query of [Array.from({ length: 5 }, () => 'SELECT count() FROM events').join(' UNION ALL '), `WITH ${chain} SELECT count() FROM x3`]) {
    expect(await lean.judge(query).catch((error: unknown) => error), query).toMatchObject({ code: 'sql_reads_too_much' });
  }
  expect(await lean.judge("SELECT count() FROM people, events, people AS b, events AS c, events AS d WHERE c.time >= '1970-01-01 22:00:00' AND d.time >= '1970-01-01 22:00:00'")).toMatchObject({ estimatedRows: expect.any(Number) });
  await lean.forget();
  planner = new Planner(engine, { ...ORDER, explain: true });
  await planner.prepare();
});
