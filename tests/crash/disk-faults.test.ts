/**
 * A disk that is full or fails below one part of a running server, by the file layer: the log, the warehouse, the lake,
 * the processor's positions or the control file. What was acknowledged is stored once, what can't be is refused with a code, each surface
 * names the part, and all goes on by itself when the disk is well again. `TIDEMARK_DISK_FAULTS=all` tries every part with
 * every error and every kind of call; without, a sample of them.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { setFaults, type FaultRule } from './file-layer/faults.ts';
import { compileFileLayer, fileLayerEnv } from './file-layer/layer.ts';
import { ServerUnderTest, WRITE_KEY } from '../server-under-test.ts';

const layer = compileFileLayer();
if ('unavailable' in layer) console.warn(`SKIPPED: disk faults under a server: ${layer.unavailable}`);
const ALL = process.env['TIDEMARK_DISK_FAULTS'] === 'all';

type Part = 'log' | 'warehouse' | 'lake' | 'positions';
type Effects = FaultRule['effects'];
type Fault = [error: FaultRule['error'], part: Part, effects: Effects];

const SAMPLE: Fault[] = [
  ['ENOSPC', 'log', ['write']],
  ['EIO', 'log', ['sync']],
  ['EIO', 'log', ['through']],
  ['ENOSPC', 'warehouse', ['write', 'name']],
  ['EIO', 'warehouse', ['write']],
  ['EIO', 'lake', ['write']],
  ['EIO', 'positions', ['through']],
];
const EVERY: Fault[] = (['log', 'warehouse', 'lake', 'positions'] as const).flatMap((part) =>
  (['EIO', 'ENOSPC'] as const).flatMap((error) =>
    ([['write'], ['sync'], ['write', 'sync', 'name'], ...(part === 'log' || part === 'positions' ? [['through']] : [])] as Effects[]).map(
      (effects): Fault => [error, part, effects],
    ),
  ),
);

const folder = mkdtempSync(join(tmpdir(), 'tidemark-faults-'));
const dataPath = join(folder, 'data');
const faults = join(folder, 'faults');
let server: ServerUnderTest;
let number = 0;
/** Ids that were acknowledged, over all faults. */
const acknowledged = new Set<string>();

beforeAll(async () => {
  if ('unavailable' in layer) return;
  mkdirSync(dataPath);
  setFaults(faults, []);
  server = await ServerUnderTest.start({ dataPath, env: fileLayerEnv(layer, { root: dataPath, faults }) });
  await server.ready();
});
afterEach(() => setFaults(faults, []));
afterAll(async () => {
  if (!('unavailable' in layer)) await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Answer {
  status: number;
  code: string | undefined;
  retryAfter: string | null;
}

/** Sends twenty new events; those that are acknowledged stand in the ledger. */
async function send(): Promise<Answer> {
  const events = Array.from({ length: 20 }, () => ({ eventId: `e${number++}`, eventName: 'x', userId: `u${number % 7}`, properties: { text: 'y'.repeat(300) } }));
  const response = await fetch(`${server.url}/api/events/batch`, { method: 'POST', headers: { authorization: `Bearer ${WRITE_KEY}` }, body: JSON.stringify({ events }) }).catch((error: unknown) => {
    throw new Error(`no answer; the server said:\n${server.output.slice(-4_000)}`, { cause: error });
  });
  const body = (await response.json()) as { accepted?: number; code?: string };
  if (response.status === 202) {
    expect(body.accepted).toBe(events.length);
    for (const { eventId } of events) acknowledged.add(eventId);
  }
  return { status: response.status, code: body.code, retryAfter: response.headers.get('retry-after') };
}

interface Pipeline {
  balance: { received: number; stored: number; duplicate: number; pending: number; difference: number };
  failing: { part: string; error: string | null }[];
}

async function until(what: string, holds: () => Promise<boolean>, withinMs = 30_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}\n${server.output.slice(-4_000)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function readyz(): Promise<{ ok: boolean; parts: unknown[] }> {
  const response = await fetch(`${server.url}/readyz`).catch(() => undefined);
  // A process that ends with its file given up cuts what it has in hand.
  if (response === undefined) return { ok: false, parts: [] };
  const { part, parts } = (await response.json()) as { part?: string; parts?: unknown[] };
  return { ok: response.ok, parts: [part, ...(Array.isArray(parts) ? parts : [])] };
}

/** Everything acknowledged so far is stored, once. */
async function everythingStored(): Promise<void> {
  await until('all parts are ready', async () => (await readyz()).ok);
  await until('intake takes events', async () => (await send()).status === 202);
  let last: Pipeline | undefined;
  await until('nothing is pending', async () => {
    // The engine may be starting again.
    const response = await server.request('/api/pipeline');
    if (!response.ok) return false;
    last = (await response.json()) as Pipeline;
    expect(last.balance.difference).toBe(0);
    return last.balance.pending === 0;
  });
  expect(last!.failing).toEqual([]);
  expect(last!.balance).toMatchObject({ stored: acknowledged.size, duplicate: 0 });
  const trend = await server.ask<{ series: { total: number }[] }>('/api/analytics/trend', { series: [{ measure: 'events' }], range: 'last 7d', granularity: 'day', waitFor: new Date().toISOString() });
  expect(trend.series[0]!.total).toBe(acknowledged.size);
}

describe.skipIf('unavailable' in layer)('X8: a fault of the disk', () => {
  it.each(ALL ? EVERY : SAMPLE)('%s under the %s (%j)', async (error, part, effects) => {
    expect((await send()).status).toBe(202);
    const endsBefore = ends();
    setFaults(faults, [{ error, path: join(dataPath, part), effects }]);
    if (part === 'log') await whileLogFails();
    else await whileStoreFails(part);
    setFaults(faults, []);
    await everythingStored();
    // A file that LMDB has given up takes another process. Nothing else does, but that a write which fails inside of LMDB
    // may end its process (see openEnvironment): once, for then the disk is asked first.
    if (effects.includes('through')) expect(ends() - endsBefore).toBe(1);
    else expect(ends() - endsBefore).toBeLessThanOrEqual(effects.includes('write') && (part === 'log' || part === 'positions') ? 1 : 0);
  });
});

describe.skipIf('unavailable' in layer)('X8: a fault of the disk below the control file', () => {
  it.each<[FaultRule['error'], Effects]>([['ENOSPC', ['write']], ['EIO', ['sync']], ['EIO', ['write']]])('%s (%j): a change is refused with a code, events are taken, and it can be made once the disk is well', async (error, effects) => {
    const endsBefore = ends();
    setFaults(faults, [{ error, path: join(dataPath, 'control'), effects }]);
    const refused = await addValve();
    expect([refused.status, ((await refused.json()) as { code: string }).code, refused.headers.get('retry-after')]).toEqual([503, 'control_unavailable', '1']);
    expect((await send()).status).toBe(202);
    setFaults(faults, []);
    expect((await addValve()).status).toBe(201);
    const { valves } = await server.ask<{ valves: { id: string }[] }>('/api/valves');
    expect(valves).toHaveLength(1);
    expect((await server.request(`/api/valves/${valves[0]!.id}`, undefined, 'DELETE')).ok).toBe(true);
    await everythingStored();
    expect(ends()).toBe(endsBefore);
  });
});

function addValve(): Promise<Response> {
  return server.request('/api/valves', { appVersion: '9.9.9', action: 'quarantine', reason: 'malformed' });
}

/** How often a process of the server has ended. */
function ends(): number {
  return server.output.split('process is gone').length - 1;
}

async function whileLogFails(): Promise<void> {
  // The first try may end the process.
  await send().catch(() => undefined);
  for (let round = 0; round < 5; round++) {
    const { status, code, retryAfter } = await send();
    expect([status, code, Number(retryAfter) >= 1]).toEqual([503, 'log_unavailable', true]);
  }
  const { ok, parts } = await readyz();
  expect([ok, parts]).toEqual([false, ['log']]);
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  expect(Number(/^tidemark_log_append_failures_total\{[^}]*\} (\d+)/m.exec(metrics)?.[1])).toBeGreaterThanOrEqual(5);
  // Without traffic too, for longer than a failure is remembered.
  await new Promise((resolve) => setTimeout(resolve, ALL ? 6_000 : 1_500));
  expect((await readyz()).ok).toBe(false);
}

async function whileStoreFails(part: Part): Promise<void> {
  await until(`/readyz names the ${part}, and intake goes on`, async () => {
    expect((await send()).status).toBe(202);
    const { ok, parts } = await readyz();
    return !ok && parts.includes(part);
  });
  const pipeline = await server.ask<Pipeline>('/api/pipeline');
  expect(pipeline.failing.map((each) => each.part)).toContain(part);
  expect(pipeline.balance.pending).toBeGreaterThan(0);
  expect(pipeline.balance.difference).toBe(0);
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  expect(metrics).toMatch(new RegExp(`^tidemark_failing\\{[^}]*part="${part}"[^}]*\\} 1$`, 'm'));
}
