import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openControl, type Control, type RoundFacts } from '@tidemark/control';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Job, Round } from './job.ts';
import { JobScheduler, type SchedulerOptions } from './scheduler.ts';

let folder: string;
let control: Control;
let nowMs: number;
const schedulers: JobScheduler[] = [];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tidemark-jobs-'));
  nowMs = Date.UTC(2026, 4, 3);
  control = await openControl(join(folder, 'control.db'), { clock: () => nowMs });
});
afterEach(async () => {
  for (const scheduler of schedulers.splice(0)) await scheduler.stop();
  await control.close();
  rmSync(folder, { recursive: true, force: true });
});

function schedule(jobs: readonly Job[], options: Partial<SchedulerOptions> = {}): JobScheduler {
  const scheduler = new JobScheduler(jobs, { records: control.jobs, onError: () => {}, ...options });
  schedulers.push(scheduler);
  return scheduler;
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const job = (name: string, run: Job['run']): Job => ({ name, everyMs: 1e9, run });

/** A job that works until it is told to end, or its signal says so. */
function long(name: string) {
  let finish = () => {};
  let begun = 0;
  const run = async (signal?: AbortSignal): Promise<Round> => {
    begun++;
    await new Promise<void>((resolve, reject) => {
      finish = resolve;
      signal?.addEventListener('abort', () => reject(signal.reason as Error));
    });
    return { rows: 1, did: 'done' };
  };
  return { ...job(name, run), finish: () => finish(), begun: () => begun };
}

it('runs one round at a time, notes what came of it, and goes on after a failure', async () => {
  const order: string[] = [];
  const slow = job('slow', async () => {
    order.push('slow begins');
    await pause(20);
    order.push('slow ends');
    return { rows: 3, did: 'done' };
  });
  const broken = job('broken', async () => {
    order.push('broken');
    throw Object.assign(new Error('no'), { code: 'clock_doubted' });
  });
  const idle = job('idle', async () => undefined);
  const [failures, rounds]: [string[], [string, RoundFacts][]] = [[], []];
  const scheduler = schedule([slow, broken, idle], { onError: (name) => failures.push(name), onRound: (...round) => rounds.push(round) });
  await Promise.all([scheduler.runNow('slow'), scheduler.runNow('broken'), scheduler.exclusively(async () => order.push('alone')), scheduler.runNow('idle')]);
  expect(order).toEqual(['slow begins', 'slow ends', 'broken', 'alone']);
  expect(failures).toEqual(['broken']);
  expect(rounds.map(([name, { rows, error }]) => [name, rows, error])).toEqual([['slow', 3, null], ['broken', 0, 'no'], ['idle', 0, null]]);
  expect(await scheduler.list()).toMatchObject([
    { name: 'slow', running: false, lastRunMs: nowMs, lastRows: 3, lastResult: 'done', lastError: undefined, lease: undefined },
    { name: 'broken', lastResult: undefined, lastError: 'no', lastErrorCode: 'clock_doubted' },
    { name: 'idle', lastRunMs: nowMs, lastResult: undefined, lastError: undefined },
  ]);
});

it('begins soon after the start, then goes by the interval, and waits once behind a long round', async () => {
  let rounds = 0;
  const rare = long('rare');
  const often = { name: 'often', everyMs: 20, run: async () => ({ rows: 0, did: `round ${++rounds}` }) };
  const scheduler = schedule([rare, often], { firstRoundMs: 10, nowMs: () => nowMs });
  scheduler.start();
  expect((await scheduler.list()).map(({ nextRunMs }) => nextRunMs)).toEqual([nowMs + 10, nowMs + 10]);
  await expect
    .poll(() => scheduler.list())
    .toMatchObject([{ running: true, nextRunMs: nowMs + 1e9, lease: { untilMs: nowMs + 30_000 } }, { running: true }]);
  await pause(150);
  expect([rare.begun(), rounds]).toEqual([1, 0]);
  // Some seven intervals went by behind the long round, and make one round.
  const alone = scheduler.exclusively(async () => expect(rounds).toBe(1));
  rare.finish();
  await alone;
  await expect.poll(() => rounds).toBeGreaterThan(2);
  await scheduler.stop();
  expect(rare.begun()).toBe(1);
  expect((await scheduler.list())[1]).toMatchObject({ name: 'often', everyMs: 20, lastResult: `round ${rounds}`, lastRunMs: expect.any(Number) });
});

it('of two engines one runs a job; what it did is known to both, and after a restart', async () => {
  const [one, other] = [long('retention'), long('retention')];
  const [first, second] = [schedule([one]), schedule([other])];
  const ended = first.runNow('retention');
  await expect.poll(one.begun).toBe(1);
  expect(await second.runNow('retention')).toBe('elsewhere');
  expect(other.begun()).toBe(0);
  expect(await second.list()).toMatchObject([{ running: false, lease: { holder: expect.stringMatching(/^engine-/), untilMs: nowMs + 30_000 } }]);
  one.finish();
  expect(await ended).toBe('ended');
  const known = { lastRunMs: nowMs, lastRows: 1, lastResult: 'done', lease: undefined };
  expect(await second.list()).toMatchObject([known]);
  await control.close();
  control = await openControl(join(folder, 'control.db'));
  expect(await schedule([one]).list()).toMatchObject([known]);
});

it('a killed engine holds a job until its lease lapses, also when the clock is set back meanwhile', async () => {
  const lease = { name: 'retention', holder: 'killed', leaseMs: 30_000 };
  expect(await control.jobs.take(lease)).toBe(true);
  let runs = 0;
  const scheduler = schedule([job('retention', async () => ({ rows: ++runs, did: 'ran' }))]);
  nowMs += 29_999;
  expect(await scheduler.runNow('retention')).toBe('elsewhere');
  nowMs += 1;
  expect(await scheduler.runNow('retention')).toBe('ended');
  expect(await control.jobs.take(lease)).toBe(true);
  nowMs -= 10 * 365 * 86_400_000;
  expect(await scheduler.runNow('retention')).toBe('ended');
  expect(runs).toBe(2);
});

it('renews its lease while it works; when another engine has taken it, breaks off and leaves the facts alone', async () => {
  const work = long('retention');
  const errors: unknown[] = [];
  const scheduler = schedule([work], { leaseMs: 60, onError: (_, error) => errors.push(error) });
  const ended = scheduler.runNow('retention');
  await expect.poll(work.begun).toBe(1);
  nowMs += 59;
  await expect.poll(async () => (await control.jobs.list())[0]?.lease?.untilMs).toBe(nowMs + 60);
  nowMs += 1_000;
  // It stood still for longer than its lease, and the other one was quicker.
  while (!(await control.jobs.take({ name: 'retention', holder: 'other', leaseMs: 5_000 }))) nowMs += 1_000;
  expect(await ended).toBe('ended');
  expect(errors).toMatchObject([{ code: 'lease_lost' }]);
  expect(await control.jobs.list()).toMatchObject([{ lease: { holder: 'other' }, endedAtMs: null }]);
});

it('a stop breaks the round in hand off, gives its lease back, and begins no other', async () => {
  const work = long('slow');
  const scheduler = schedule([work]);
  const ended = scheduler.runNow('slow');
  await expect.poll(work.begun).toBe(1);
  const waiting = scheduler.runNow('slow');
  await scheduler.stop();
  expect([await ended, await waiting, work.begun()]).toEqual(['stopped', 'stopped', 1]);
  expect((await control.jobs.list())[0]).toMatchObject({ lease: null });
});

it('tells what a round held back, with a code, until it is confirmed', async () => {
  const { project } = await control.ensureFirstProject();
  const deletion = { project, setting: 'retentionDays=30', rows: 1_500, ofRows: 2_000 };
  const run = async (): Promise<Round> => {
    const confirmed = await control.jobs.isConfirmed({ job: 'retention', ...deletion });
    return confirmed ? { rows: 1_500, did: 'deleted' } : { rows: 0, did: 'nothing', heldBack: [deletion] };
  };
  const scheduler = schedule([job('retention', run)]);
  await expect(control.jobs.confirm({ name: 'retention', project, actor: 't1' })).rejects.toMatchObject({ code: 'nothing_to_confirm' });
  await scheduler.runNow('retention');
  expect(await scheduler.list()).toMatchObject([{ lastErrorCode: 'implausible_effect', heldBack: [deletion], lastError: expect.stringContaining('1500 of 2000') }]);
  await control.jobs.confirm({ name: 'retention', project, actor: 't1' });
  await scheduler.runNow('retention');
  expect(await scheduler.list()).toMatchObject([{ lastErrorCode: undefined, heldBack: [], lastRows: 1_500 }]);
  expect((await control.audit.list(project))[0]).toMatchObject({ action: 'job.confirm', subject: 'retention', actor: 't1', detail: deletion });
  // Another value, or this one again later, is another decision.
  await control.settings.set({ project, settings: { retentionDays: 30 }, actor: 't1' });
  expect(await control.jobs.isConfirmed({ job: 'retention', ...deletion })).toBe(true);
  await control.settings.set({ project, settings: { retentionDays: null }, actor: 't1' });
  expect(await control.jobs.isConfirmed({ job: 'retention', ...deletion })).toBe(false);
});
