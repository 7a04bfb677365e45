/** Starting, stopping, coming back: what a person with a terminal meets (DESIGN 5, Start). */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { freshFolder, PROGRAM, ServerUnderTest, type StartOptions } from '../server-under-test.ts';
import { tidemark } from '../tidemark-command.ts';
import { Project, type Json } from './project.ts';

async function started(options: StartOptions = {}): Promise<ServerUnderTest> {
  const server = await ServerUnderTest.start(options);
  onTestFinished(() => server.stop());
  await server.ready();
  return server;
}

const event = (eventId: string, fields: Json = {}): Json => ({ eventId, eventName: 'seen', userId: 'u', ...fields });

describe('a running server', () => {
  let server: ServerUnderTest;
  let project: Project;
  beforeAll(async () => {
    server = await ServerUnderTest.start({ env: { TIDEMARK_RATE_LIMIT: 'off' } });
    await server.ready();
    project = await Project.first(server);
  });
  afterAll(() => server.stop());

  it('has said the URL, the key and a curl line that works, and not the token that it was given', () => {
    for (const word of [server.url, project.key, server.dataPath]) expect(server.output).toContain(word);
    // It came from the environment, and a journal need not hold it.
    expect(server.output).toContain('TIDEMARK_API_TOKEN');
    expect(server.output).not.toContain(project.token);
    const line = /curl [^\n]*\\\n[^\n]*/.exec(server.output)![0];
    const sent = spawnSync('sh', ['-c', line.replace('curl', 'curl -s')], { encoding: 'utf8' });
    expect(JSON.parse(sent.stdout)).toMatchObject({ status: 'accepted' });
  });

  it('is not disturbed by a second one on the same folder, which waits, says so and ends', async () => {
    const { status, words } = await tidemark('start', '--data', server.dataPath, '--port', '0');
    expect(status).not.toBe(0);
    expect(words).toMatch(/Fix: /);
    expect(words).toContain(server.dataPath);
    await project.send([event('undisturbed')]);
    expect(await project.stored('undisturbed')).toBeDefined();
  });

  it('brings a killed collector back at the same address, with port 0 too', async () => {
    expect(server.kill('collector')).toBe(true);
    await expect.poll(() => server.output).toContain('The collector process is back');
    await server.ready();
    await project.send([event('after')]);
    expect(await project.stored('after')).toMatchObject({ eventId: 'after' });
  });

  it('knows no rates with TIDEMARK_RATE_LIMIT=off', async () => {
    await project.api(
      `/api/projects/${project.id}/keys/${project.key}`,
      { limits: { eventsPerSecond: 1 } },
      { method: 'PUT' },
    );
    await new Promise((resolve) => setTimeout(resolve, 2_100));
    for (let i = 0; i < 30; i++) await project.send([event(`r${i}`)]);
  });

  it('at SIGTERM answers what is in flight, loses nothing and exits 0; a start meanwhile waits for the folder', async () => {
    const body = JSON.stringify(event('in-flight'));
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    let answer = '';
    socket.setEncoding('utf8').on('data', (chunk) => (answer += String(chunk)));
    socket.write(
      `POST /api/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${project.key}\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 10)}`,
    );
    const metrics = async () => (await fetch(`${server.url}/metrics`)).text();
    await expect.poll(metrics).toMatch(/tidemark_ingest_inflight_bytes\{.*\} 10\n/);
    const ended = server.end();
    await expect.poll(() => fetch(`${server.url}/livez`).catch(String)).toMatch('fetch failed');
    const starting = started({ dataPath: server.dataPath });
    socket.write(body.slice(10));
    await once(socket, 'close');
    expect(answer).toMatch(/^HTTP\/1\.1 202 /);
    expect(await ended).toBe(0);
    const after = await Project.first(await starting);
    await after.send([event('later')]);
    expect(await after.stored('in-flight')).toMatchObject({ eventId: 'in-flight' });
  });
});

it('a restart keeps everything: events, duplicates, quarantine, balance, administration', async () => {
  const first = await ServerUnderTest.start();
  onTestFinished(() => rmSync(first.dataPath, { recursive: true, force: true }));
  const before = await Project.first(first);
  await before.send([event('kept-1'), event('kept-2', { timestamp: '2026-03-02T10:00:00Z' })]);
  await before.post('/api/events', { eventId: 'kept-bad' });
  await before.api('/api/questions/trend/mine', { series: [{ event: 'seen' }] }, { method: 'PUT', status: 201 });
  await before.api(`/api/projects/${before.id}/settings`, { ip: 'truncate' }, { method: 'PUT' });
  // Not waited for: what was acknowledged just before the stop is there afterwards.
  await before.send([event('kept-3')]);
  expect(await first.end()).toBe(0);

  const second = await started({ dataPath: first.dataPath });
  expect(second.output).not.toContain('shown this once');
  const after = await Project.first(second);
  after.receivedAt = before.receivedAt;
  expect(after.id).toBe(before.id);
  await after.send([event('kept-1'), event('new-1')]);
  expect((await after.export()).map((each) => each['eventId'] as string).toSorted()).toEqual([
    'kept-1',
    'kept-2',
    'kept-3',
    'new-1',
  ]);
  expect((await after.api('/api/events/kept-bad'))['outcome']).toBe('quarantined');
  expect((await after.api('/api/pipeline'))['balance']).toMatchObject({
    received: 6,
    stored: 4,
    duplicate: 1,
    quarantined: 1,
    pending: 0,
    difference: 0,
  });
  expect((await after.api('/api/analytics/trend?name=mine&range=today'))['series'][0].total).toBe(3);
  expect((await after.api(`/api/projects/${after.id}/settings`))['ip']).toBe('truncate');
});

it('a token that a start made is shown by that start only', async () => {
  const unset = { TIDEMARK_API_TOKEN: '', TIDEMARK_WRITE_KEY: '' };
  const first = await ServerUnderTest.start({ env: unset });
  onTestFinished(() => rmSync(first.dataPath, { recursive: true, force: true }));
  const token = /API token +(tm_[0-9a-z]{40}) +\(shown this once/.exec(first.output)?.[1];
  const key = /Write key +(c[0-9a-z]{24})\n/.exec(first.output)?.[1];
  expect([token, key]).toEqual([expect.any(String), expect.any(String)]);
  expect((await fetch(`${first.url}/api/projects`, { headers: { authorization: `Bearer ${token}` } })).status).toBe(
    200,
  );
  await first.end();
  const second = await started({ dataPath: first.dataPath, env: unset });
  expect(second.output).toContain(key);
  expect(second.output).not.toContain(token);
  expect((await fetch(`${second.url}/api/projects`, { headers: { authorization: `Bearer ${token}` } })).status).toBe(
    200,
  );
});

describe('says in one sentence what is wrong and what to do, and exits with another code than 0:', () => {
  it('a taken port', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    onTestFinished(() => void holder.close());
    const folder = freshFolder();
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const { port } = holder.address() as AddressInfo;
    const { status, words } = await tidemark('start', '--data', folder, '--port', String(port));
    expect(status).not.toBe(0);
    expect(words).toMatch(new RegExp(`${port}.* taken[\\s\\S]*Fix: .*--port`));
    expect(words).not.toMatch(/^\s+at /m);
  });
  it.each([
    ['a folder that is a file', ['start', '--data', PROGRAM]],
    ['a port that is none', ['start', '--port', '70000']],
    ['a word that is no command', ['strat']],
    ['an option that is none', ['start', '--prot', '1']],
  ])('%s', async (_what, args) => {
    const { status, words } = await tidemark(...args);
    expect(status).not.toBe(0);
    expect(words).not.toMatch(/^\s+at /m);
    expect(words.trim()).not.toBe('');
  });
});
