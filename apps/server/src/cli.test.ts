/** The whole command line against a real server, as a user would call it. */
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const PROGRAM = resolve(import.meta.dirname, '../../../bin/tidemark.mjs');
const SHOP = process.env['TIDEMARK_TEST_ECOM'] ?? '';

interface Ended {
  code: number;
  out: string;
  err: string;
}

let folder: string;
let server: ChildProcess;
let words = '';

function tidemark(...args: string[]): Promise<Ended> {
  return new Promise((done) => {
    const env = {
      ...process.env,
      TIDEMARK_DATA: join(folder, 'data'),
      TIDEMARK_URL: '',
      TIDEMARK_API_TOKEN: '',
      TIDEMARK_WRITE_KEY: '',
    };
    execFile(process.execPath, [PROGRAM, ...args], { env }, (error, out, err) => {
      // Somebody may be writing sources while the tests run.
      done({ code: error === null ? 0 : Number(error.code), out, err: err.replace('tidemark: building …\n', '') });
    });
  });
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tidemark-cli-'));
  server = spawn(process.execPath, [PROGRAM, 'start', '--port', '0', '--data', join(folder, 'data')], {
    stdio: 'pipe',
  });
  server.stderr!.on('data', (chunk) => (words += String(chunk)));
  for await (const chunk of server.stdout!.iterator({ destroyOnReturn: false })) {
    words += String(chunk);
    if (words.includes('Ctrl-C stops it')) return;
  }
  throw new Error(`the server did not start:\n${words}`);
});
afterAll(async () => {
  if (server.exitCode === null) {
    server.kill('SIGKILL');
    await once(server, 'exit');
  }
  rmSync(folder, { recursive: true, force: true });
});

describe('tidemark', () => {
  it('start tells the URL, the key, the token and a line that sends a first event', async () => {
    const curl = /curl (\S+) -H '([^']+)' \\\n\s+-d '([^']+)'/.exec(words)!;
    const [, url = '', header = '', body = ''] = curl;
    const response = await fetch(url, {
      method: 'POST',
      headers: { authorization: header.replace(/^.*: /, '') },
      body,
    });
    expect(response.status).toBe(202);
    expect(words).toMatch(/Page +http:\/\/127\.0\.0\.1:\d+\/#token=tm_/);
  });

  it('import, then ask, gives the answer of the file, however often it is imported', async () => {
    const path = join(folder, 'events.csv');
    const rows = Array.from(
      { length: 60 },
      (_, index) =>
        `u${index % 6},${index % 3 === 0 ? 'buy' : 'view'},2026-05-03 10:${String(index).padStart(2, '0')}:00,${index}.5`,
    );
    writeFileSync(path, `user,event,at,price\n${rows.join('\n')}\n`);
    for (let round = 0; round < 2; round++) {
      const done = await tidemark(
        'import',
        path,
        '--map',
        'userId=user,eventName=event,timestamp=at,properties.price=price:number',
      );
      expect(done).toMatchObject({ code: 0, out: expect.stringContaining('60 rows accepted') as string });
    }
    const range = ['--from', '2026-05-03', '--to', '2026-05-04'];
    const ask = (...args: string[]) =>
      tidemark('ask', ...args, ...range, '--json').then(({ out, err }) => JSON.parse(out || err) as never);
    await expect
      .poll(() => ask('trend', '--event', 'buy'))
      .toMatchObject({ series: [{ total: 20 }] });
    expect(
      await ask('trend', '--event', 'buy', '--measure', 'sum:properties.price', '--where', 'properties.price<10'),
    ).toMatchObject({ series: [{ total: 20 }] });
    expect(await ask('funnel', '--steps', 'view,buy', '--window', '1h')).toMatchObject({
      steps: [{ event: 'view' }, { event: 'buy' }],
    });
    const [, page = '', token = ''] = /(http:\S+)#token=(tm_\w+)/.exec(words)!;
    const question = JSON.stringify({ steps: [{ event: 'view' }], range: 'today' });
    expect(await fetch(`${page}api/questions/funnel/seen%20it`, { method: 'PUT', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body: question })).toMatchObject({ status: 201 });
    expect(await ask('funnel', '--name', 'seen it', 'version=1')).toMatchObject({ steps: [{ event: 'view', users: 4 }], meta: { question: { name: 'seen it', version: 1 } } });
    expect(await ask('funnel', '--name', 'seen it', '--people', 'cell.step=1', 'pageSize=1')).toMatchObject({ people: [{ personId: 'u1' }], total: 4 });
    expect(await tidemark('ask', 'funnel', '--name', 'seen it', '--people', 'cell.step=1', '--last', '1s', '--json')).toMatchObject({ out: expect.stringContaining('"total": 0') as string });
    expect(await ask('funnel', '--steps', 'view,buy', '--people', 'cell.step=1', 'pageSize=1')).toMatchObject({ people: [{ personId: 'u1' }], total: 4 });
    expect(await tidemark('ask', 'funnel', '--steps', 'view,buy', '--people', 'cell.step=1', 'pageSize=1', ...range)).toMatchObject({ out: expect.stringMatching(/^4 people\n.*\n.*\n {2}u1 /) as string });
    const asked = join(folder, 'paths.json');
    writeFileSync(asked, '{"after":{"event":"buy"},"steps":2}');
    expect(await ask('paths', '--question', asked, 'steps=3', 'window=1m')).toMatchObject({ users: 2, nodes: [{ step: 1, node: 'buy', users: 2 }, { step: 2, kind: 'drop-off', users: 2 }] });
    const tables = await Promise.all([['paths', 'before.event=buy'], ['sessions', 'gap=10m'], ['cohort', 'all[].did=buy'], ['experiment', 'exposure.event=view', 'metrics[].event=buy', 'variant=eventName'], ['sql', 'query=SELECT count() AS n FROM events']].map((words) => tidemark('ask', ...words, ...range)));
    expect(tables.map(({ code, out, err }) => [code, out, err].join('\n'))).toEqual(['(start)', 'bounced', 'people', 'buy (primary', '  n\n  61\n'].map((text) => expect.stringContaining(text) as string));
    expect(await tidemark('ask', 'paths', '--question', join(folder, 'none'))).toMatchObject({ code: 1, err: expect.stringContaining("can't be read") as string });
    expect((await tidemark('ask', 'timeline', 'u1', ...range)).out).toMatch(/2026-05-03 10:01:00\.000 {2}view/);
  });

  it.skipIf(!existsSync(SHOP))('import of the shop of TIDEMARK_TEST_ECOM gives its known answers', async () => {
    const map = 'userId=user_id,sessionId=session_id,eventName=event,timestamp=timestamp,properties.platform=platform';
    expect((await tidemark('import', SHOP, '--map', map)).out).toContain('31,106 rows accepted');
    rmSync(`${SHOP}.tidemark-import`, { force: true });
    const ask = [
      'ask',
      'trend',
      '--event',
      'purchase',
      '--by',
      'properties.platform',
      '--from',
      '2024-01-01',
      '--to',
      '2024-07-01',
    ];
    const totals = () =>
      tidemark(...ask, '--granularity', 'week', '--json').then(({ out }) =>
        (JSON.parse(out) as { series: { total: number }[] }).series.map(({ total }) => total),
      );
    await expect.poll(totals).toEqual([277, 126, 67]);
  });

  it('demo fills a project of its own, and takes it away', async () => {
    const made = await tidemark('demo', '--days', '2', '--visits', '50');
    expect(made).toMatchObject({ code: 0 });
    expect(made.out).toMatch(/Shop  TIDEMARK_WRITE_KEY=c\w+ TIDEMARK_URL=http\S+ node examples\/shop\/server.mjs/);
    const project = /in project (\w+)/.exec(made.out)![1]!;
    const total = () =>
      tidemark('ask', 'trend', '--event', 'page_view', '--project', project, '--json').then(
        ({ out }) => (JSON.parse(out) as { series: { total: number }[] }).series[0]!.total,
      );
    await expect.poll(total).toBeGreaterThan(20);
    expect(await tidemark('demo', '--remove')).toMatchObject({ code: 0 });
    expect((await tidemark('ask', 'trend', '--event', 'page_view', '--project', project)).err).toContain(
      'There is no project',
    );
  });

  it('doctor finds nothing wrong, token makes one that works, and no command leaves one behind', async () => {
    const { code, out } = await tidemark('doctor');
    expect(out).not.toMatch(/[✗!] /);
    expect(code).toBe(0);
    const token = (await tidemark('token', '--name', 'mine')).out.trim();
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(words)![0];
    expect(await tidemark('ask', 'trend', '--event', 'x', '--url', url, '--token', token)).toMatchObject({ code: 0 });
    expect((await tidemark('ask', 'trend', '--event', 'x', '--url', url)).err).toContain('needs an API token');
    const headers = { authorization: `Bearer ${token}` };
    const { current } = (await (await fetch(`${url}/api/projects`, { headers })).json()) as { current: string };
    const listed = await (await fetch(`${url}/api/projects/${current}/tokens`, { headers })).text();
    expect(listed).toContain('mine');
    expect(listed).not.toContain('Command line');
  });

  it('says one sentence and one fix for what is called wrongly', async () => {
    for (const args of [
      ['strat'],
      ['ask'],
      ['import'],
      ['import', 'none.csv'],
      ['start', '--port', 'x'],
      ['ask', 'trend', '{'],
      ['demo', '--days', '0'],
      ['ask', 'tend', '{}'],
    ]) {
      const { code, err } = await tidemark(...args);
      expect(code, args.join(' ')).toBeGreaterThan(0);
      expect(err).toMatch(/^tidemark: .+\n( {2}.+\n)* {2}Fix: .+\n$/);
    }
    expect(await tidemark('start', '--help')).toMatchObject({
      code: 0,
      out: expect.stringContaining('--port') as string,
    });
  });

  it('start ends with 0 at SIGTERM, and doctor sees that it is gone', async () => {
    server.kill('SIGTERM');
    const [code] = (await once(server, 'exit')) as [number];
    expect(code).toBe(0);
    expect(words).toContain('tidemark: stopped.');
    expect((await tidemark('doctor')).out).toContain('No server answers');
  });
});
