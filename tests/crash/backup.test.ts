/**
 * Backups of a running server, under load, with kills in the middle, and what is restored from them: the same answers as
 * the original gave, nothing lost that was acknowledged before, nothing doubled. `TIDEMARK_BACKUP_ROUNDS=20` kills more often,
 * `TIDEMARK_SEED=…` at the same moments again.
 */
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { API_TOKEN, type Balance, ServerUnderTest, WRITE_KEY } from '../server-under-test.ts';
import { beginTidemark, tidemark } from '../tidemark-command.ts';
import { LedgerClient, seededRandom } from './ledger.ts';

const ROUNDS = Number(process.env['TIDEMARK_BACKUP_ROUNDS'] ?? 2);
const SEED = Number(process.env['TIDEMARK_SEED'] ?? Date.now() % 1_000_000);
const RANGE = { from: '2025-12-01T00:00:00Z', to: '2026-02-01T00:00:00Z' };

const folder = mkdtempSync(join(tmpdir(), 'tidemark-backup-'));
const backups = join(folder, 'backups');
const quiet = join(folder, 'quiet');

let original: ServerUnderTest;
let client: LedgerClient;
let ackedBefore: Set<string>;
let answersBefore: Answers;
beforeAll(async () => {
  original = await ServerUnderTest.start({ dataPath: join(folder, 'original') });
  await original.ready();
  client = new LedgerClient(original, seededRandom(SEED));
});
afterAll(async () => {
  await original.stop();
  rmSync(folder, { recursive: true, force: true });
});

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function exportedLines(server: ServerUnderTest): Promise<string[]> {
  const response = await server.request('/api/events/export', { format: 'ndjson', ...RANGE });
  expect(response.status).toBe(200);
  return (await response.text()).trimEnd().split('\n').toSorted();
}

const idsOf = (lines: readonly string[]) => lines.map((line) => (JSON.parse(line) as { eventId: string }).eventId);

interface Answers {
  [question: string]: unknown;
}

/** What a person could ask, without what tells when it was asked. */
async function answersOf(server: ServerUnderTest): Promise<Answers> {
  const balance = await server.drained();
  const questions: [string, unknown][] = [
    ['/api/analytics/trend', { series: [{ measure: 'events' }], ...RANGE, granularity: 'day' }],
    ['/api/analytics/trend', { series: [{ event: 'name_1', measure: 'users' }, { event: 'name_2', measure: { sum: 'properties.index' } }], ...RANGE, granularity: 'month' }],
    ['/api/analytics/trend', { series: [{ measure: 'events' }], breakdown: ['properties.index'], ...RANGE, granularity: 'week', includeBots: true }],
    ['/api/analytics/funnel', { steps: [{ event: 'name_0' }, { event: 'name_1' }, { event: 'name_3' }], window: '7d', ...RANGE }],
    ['/api/analytics/funnel/people', { steps: [{ event: 'name_0' }, { event: 'name_1' }], window: '7d', ...RANGE, cell: { step: 2 } }],
    ['/api/analytics/sessions', { ...RANGE, breakdown: ['session.entryEvent'] }],
    ['/api/analytics/retention', { start: { event: 'name_0' }, return: {}, period: 'day', periods: 3, ...RANGE }],
    ['/api/analytics/paths', { after: { event: 'name_0' }, steps: 3, ...RANGE }],
    ['/api/analytics/attribution', { conversion: { event: 'name_3' }, models: ['first_touch', 'linear'], ...RANGE }],
    ['/api/analytics/cohort', { all: [{ did: 'name_1', atLeast: 2 }], ...RANGE }],
    ['/api/analytics/experiment', { exposure: { event: 'name_0' }, variant: 'properties.index', metrics: [{ event: 'name_1' }], ...RANGE }],
    ['/api/analytics/sql', { query: 'SELECT event_name, count() AS events, uniqExact(person_id) AS people FROM events GROUP BY event_name ORDER BY event_name', ...RANGE }],
  ];
  const answers: Answers = { balance, export: await exportedLines(server) };
  for (const [path, body] of questions) {
    const { meta, ...answer } = await server.ask<Record<string, unknown>>(path, body);
    expect(meta).toBeDefined();
    answers[`${path} ${JSON.stringify(body)}`] = answer;
  }
  for (const user of ['u0', 'u5', 'u10', 'nobody']) {
    const { meta: _, ...page } = await server.ask<Record<string, unknown>>(`/api/users/${user}/timeline?from=${RANGE.from}&to=${RANGE.to}&limit=1000&order=asc`);
    answers[`timeline of ${user}`] = page;
  }
  const { events: quarantined } = await server.ask<{ events: unknown[] }>('/api/quarantine');
  answers['quarantine'] = quarantined;
  answers['saved'] = (await server.ask<{ series: unknown }>('/api/analytics/trend?name=kept')).series;
  const { size } = await server.ask<{ size: number }>('/api/analytics/cohort?name=static');
  expect(size).toBe(3);
  answers['static cohort'] = size;
  return answers;
}

async function send(server: ServerUnderTest, ...eventIds: string[]): Promise<void> {
  const events = eventIds.map((eventId) => ({ eventId, eventName: 'name_0', userId: 'u0', timestamp: Date.UTC(2026, 0, 2) }));
  const response = await fetch(`${server.url}/api/events/batch`, { method: 'POST', headers: { authorization: `Bearer ${WRITE_KEY}` }, body: JSON.stringify({ events }) });
  expect(response.status).toBe(202);
}

async function restored(backup: string, name: string): Promise<ServerUnderTest> {
  const dataPath = join(folder, name);
  const { status, words } = await tidemark('restore', backup, '--data', dataPath);
  expect([status, words]).toEqual([0, expect.stringContaining('Start it: tidemark start')]);
  const server = await ServerUnderTest.start({ dataPath });
  await server.ready();
  return server;
}

describe.skipIf(process.platform !== 'linux')(`backup and restore (seed ${SEED})`, () => {
  it('a backup is made under load, and the commands say what they did', async () => {
    for (const [name, question] of [
      ['trend/kept', { series: [{ measure: 'events' }], ...RANGE, granularity: 'month' }],
      ['cohort/static', { mode: 'static', people: ['u0', 'u5', 'u10', 'nobody'] }],
    ] as const) {
      const headers = { authorization: `Bearer ${API_TOKEN}`, 'content-type': 'application/json' };
      const put = await fetch(`${original.url}/api/questions/${name}`, { method: 'PUT', headers, body: JSON.stringify(question) });
      expect(put.status).toBe(201);
    }
    await fetch(`${original.url}/api/events`, { method: 'POST', headers: { authorization: `Bearer ${WRITE_KEY}` }, body: '{"eventId":"bad"}' });
    client.start(1);
    await expect.poll(() => client.acknowledged.size).toBeGreaterThan(1_000);
    ackedBefore = new Set(client.acknowledged);
    const { status, words } = await tidemark('backup', backups, '--data', original.dataPath);
    await client.stop();
    expect([status, words]).toEqual([0, expect.stringMatching(/^Backup .*\n.* files, .*\n.*stores were held for \d+ ms/)]);
    expect(readdirSync(join(original.dataPath, 'backups'))).toEqual([]);
    expect((await tidemark('backup', join(original.dataPath, 'x'), '--data', original.dataPath)).words).toContain('is in the data folder');
  });

  it(`${ROUNDS} rounds of kill -9 in the middle of a backup: the server is unharmed, a part of a backup is none, the next one works`, async () => {
    const random = seededRandom(SEED);
    const partial = join(folder, 'partial');
    for (let round = 0; round < ROUNDS; round++) {
      const victim = round % 2 === 0 ? 'command' : 'engine';
      const command = beginTidemark('backup', partial, '--data', original.dataPath);
      const begun = victim === 'command' ? () => existsSync(partial) && readdirSync(partial).length > 0 : () => existsSync(join(original.dataPath, 'backups')) && readdirSync(join(original.dataPath, 'backups')).length > 0;
      for (const end = Date.now() + 20_000; !begun() && Date.now() < end; ) await sleep(1);
      await sleep(random() * 60);
      if (victim === 'command') command.process.kill('SIGKILL');
      else original.kill('engine');
      const { status, words } = await command.end;
      await original.ready();
      const whole = existsSync(partial) && readdirSync(partial).some((name) => !name.endsWith('.partial'));
      if (victim === 'engine' && status !== 0) expect(words).toMatch(/^tidemark: .*\n {2}Fix: /);
      if (!whole) {
        const refused = await tidemark('restore', partial, '--data', join(folder, 'refused'));
        expect([refused.status, refused.words]).toEqual([1, expect.stringMatching(/no whole backup|no backup/)]);
        for (const name of existsSync(partial) ? readdirSync(partial) : []) {
          expect((await tidemark('restore', join(partial, name), '--data', join(folder, 'refused'))).words).toContain('begun and not finished');
        }
        expect(existsSync(join(folder, 'refused'))).toBe(false);
      }
    }
    const next = await tidemark('backup', partial, '--data', original.dataPath);
    expect(next.status, next.words).toBe(0);
    expect(readdirSync(partial).filter((name) => name.endsWith('.partial'))).toEqual([]);
    expect(readdirSync(join(original.dataPath, 'backups'))).toEqual([]);
    rmSync(partial, { recursive: true });
  }, 180_000 + ROUNDS * 30_000);

  it('a second backup shares what it can with the first', async () => {
    answersBefore = await answersOf(original);
    expect((await tidemark('backup', quiet, '--data', original.dataPath)).status).toBe(0);
    const { status, words } = await tidemark('backup', quiet, '--data', original.dataPath);
    expect([status, words]).toEqual([0, expect.stringMatching(/of which (?!0\.0 MB)/)]);
    expect(readdirSync(quiet).length).toBe(2);
  });

  it('what was restored answers everything as the original did, and goes on', async () => {
    const server = await restored(quiet, 'whole');
    try {
      expect(server.output).toContain('goes on under a new epoch');
      expect(await answersOf(server)).toEqual(answersBefore);
      const before = answersBefore['balance'] as Balance;
      // A copy of what is in the backup, something new, and a copy of the new.
      const [known] = idsOf(answersBefore['export'] as string[]);
      await send(server, known!, 'new-1');
      await send(server, 'new-1', 'new-2');
      expect(await server.drained()).toMatchObject({ received: before.received + 4, stored: before.stored + 2, duplicate: before.duplicate + 2 });

      // The log alone is lost, then found again in a backup that is older than the stores.
      await server.end();
      rmSync(join(server.dataPath, 'log'), { recursive: true });
      const withoutLog = await ServerUnderTest.start({ dataPath: server.dataPath });
      await withoutLog.ready();
      expect(withoutLog.output).toContain('The log is gone');
      await send(withoutLog, 'new-2', 'new-3');
      expect(await withoutLog.drained()).toMatchObject({ received: before.received + 6, stored: before.stored + 3, duplicate: before.duplicate + 3 });
      await withoutLog.end();

      rmSync(join(server.dataPath, 'log'), { recursive: true });
      cpSync(join(quiet, readdirSync(quiet).toSorted().at(-1)!, 'log'), join(server.dataPath, 'log'), { recursive: true });
      const withOldLog = await ServerUnderTest.start({ dataPath: server.dataPath });
      await withOldLog.ready();
      await send(withOldLog, 'new-3', 'new-4');
      const balance = await withOldLog.drained();
      expect(balance.stored).toBe(before.stored + 4);
      const ids = idsOf(await exportedLines(withOldLog));
      expect(ids.length).toBe(new Set(ids).size);
      expect(ids.filter((id) => id.startsWith('new-'))).toEqual(['new-1', 'new-2', 'new-3', 'new-4']);
      await withOldLog.end();
    } finally {
      await server.stop();
    }
  });

  it('the backup that was made under load holds all that was acknowledged before it, once, and nothing else', async () => {
    const server = await restored(backups, 'loaded');
    try {
      await server.drained();
      const ids = idsOf(await exportedLines(server));
      const unique = new Set(ids);
      expect(ids.length - unique.size, 'doubled').toBe(0);
      expect([...ackedBefore].filter((id) => !unique.has(id)), 'acknowledged before the backup, and missing').toEqual([]);
      expect([...unique].filter((id) => !client.sent.has(id)), 'invented').toEqual([]);
    } finally {
      await server.stop();
    }
  });

  it('a damaged backup, one of a newer Tidemark and a folder that is not empty are refused', async () => {
    const copy = join(folder, 'damaged');
    cpSync(join(backups, readdirSync(backups)[0]!), copy, { recursive: true });
    const dataPath = join(folder, 'not-restored');
    const refusal = async (): Promise<string> => {
      const { status, words } = await tidemark('restore', copy, '--data', dataPath);
      expect(status).toBe(1);
      expect(existsSync(dataPath) ? readdirSync(dataPath) : []).toEqual([]);
      return words;
    };
    const manifest = readFileSync(join(copy, 'backup.json'), 'utf8');
    const { files } = JSON.parse(manifest) as { files: { path: string; bytes: number }[] };
    const { path } = files.find((file) => file.path.endsWith('data.bin') && file.bytes > 10)!;
    const bytes = readFileSync(join(copy, path));
    bytes[5]! ^= 1;
    writeFileSync(join(copy, path), bytes);
    expect(await refusal()).toContain(`${path} has been changed`);
    writeFileSync(join(copy, path), bytes.subarray(1));
    expect(await refusal()).toContain(`${path} has ${bytes.length - 1} bytes instead of ${bytes.length}`);
    rmSync(join(copy, path));
    expect(await refusal()).toContain(`${path} is missing`);
    writeFileSync(join(copy, 'backup.json'), manifest.replace('data.mdb', '../a.mdb'));
    expect(await refusal()).toContain('backup.json, is damaged');
    writeFileSync(join(copy, 'backup.json'), manifest.replace('"format": 1', '"format": 2'));
    expect(await refusal()).toContain('a form that this version does not know');
    writeFileSync(join(dataPath, 'thesis.doc'), '');
    expect((await tidemark('restore', backups, '--data', dataPath)).words).toContain('is not empty: it holds thesis.doc');
  });

  it('a restore that was cut short is refused by a start, and done again by another restore', async () => {
    const dataPath = join(folder, 'cut-short');
    const unfinished = (): boolean => existsSync(join(dataPath, 'restore.unfinished'));
    // On a busy machine one may be through before we have seen it.
    for (let tries = 0; tries < 10 && !unfinished(); tries++) {
      rmSync(dataPath, { recursive: true, force: true });
      const command = beginTidemark('restore', backups, '--data', dataPath);
      while (!unfinished() && command.process.exitCode === null) await sleep(1);
      command.process.kill('SIGKILL');
      await command.end;
    }
    expect(unfinished()).toBe(true);
    expect((await tidemark('start', '--data', dataPath, '--port', '0')).words).toContain('that was cut short');
    const again = await tidemark('restore', backups, '--data', dataPath);
    expect(again.status, again.words).toBe(0);
    expect(unfinished()).toBe(false);
  });
});
