import { afterAll, beforeAll, expect, it } from 'vitest';
import type { JobPort, JobView } from '../deps.ts';
import { TestEngine } from '../testing/engine.ts';

const HOUR_MS = 3_600_000;
const AT_MS = Date.UTC(2026, 4, 3);

let engine: TestEngine;
let views: JobView[];
let ends: Awaited<ReturnType<JobPort['run']>> = 'ended';
const ran: string[] = [];
const port: JobPort = {
  list: async () => views,
  run: async (name) => {
    ran.push(name);
    return ends;
  },
};
const view = (change: Partial<JobView> = {}): JobView => ({
  name: 'retention', everyMs: HOUR_MS, running: false, lastRunMs: AT_MS, lastDurationMs: 3, lastRows: 0, lastResult: undefined, lastError: undefined, lastErrorCode: undefined,
  nextRunMs: AT_MS + HOUR_MS, lease: undefined, heldBack: [], ...change,
});
let reader: Record<string, string>;
beforeAll(async () => {
  engine = await TestEngine.start({ jobs: port }, { processing: false });
  const { secret } = (await engine.call('POST', `/api/projects/${engine.project}/tokens`, { name: 'reader' })).json() as { secret: string };
  reader = { authorization: `Bearer ${secret}` };
});
afterAll(() => engine.stop());

it('lists jobs with their last and next round and lease; of what is held back a reader sees the own project', async () => {
  const mine = { project: engine.project, setting: 'retentionDays=3', rows: 2_000, ofRows: 2_500 };
  const others = { project: 'other', setting: 'retentionDays=1', rows: 5_000, ofRows: 5_001 };
  views = [view({ lastRows: 7, lastError: 'of project other', lastErrorCode: 'implausible_effect', lease: { holder: 'engine-1', untilMs: AT_MS + 5 }, heldBack: [mine, others] }), view({ name: 'id-expiry', lastRunMs: undefined })];
  const all = (await engine.call('GET', '/api/jobs')).json();
  expect(all.jobs[0]).toMatchObject({
    name: 'retention', lastRun: '2026-05-03T00:00:00.000Z', nextRun: '2026-05-03T01:00:00.000Z', lastRows: 7, lastErrorCode: 'implausible_effect', lastError: 'of project other',
    lease: { holder: 'engine-1', until: '2026-05-03T00:00:00.005Z' }, heldBack: [mine, others],
  });
  expect(all.jobs[1]).toMatchObject({ lastRun: null, lease: null, heldBack: [] });
  const seen = await engine.call('GET', '/api/jobs', undefined, reader);
  expect(seen.json().jobs[0].heldBack).toEqual([mine]);
  expect(seen.body).not.toContain('other');
});

it('runs a job for an admin token alone, and waits for its end', async () => {
  views = [view({ lastRows: 3 })];
  expect((await engine.call('POST', '/api/jobs/retention/run', {}, reader)).json()).toMatchObject({ status: 403, code: 'forbidden' });
  expect((await engine.call('POST', '/api/jobs/nothing/run', {})).json()).toMatchObject({ status: 404, code: 'job_not_found' });
  expect((await engine.call('POST', '/api/jobs/retention/run', { confirmed: true })).json()).toMatchObject({ status: 400, code: 'unknown_field' });
  expect(ran).toEqual([]);
  for (const body of [undefined, {}, { confirm: false }]) expect((await engine.call('POST', '/api/jobs/retention/run', body)).json()).toMatchObject({ lastRows: 3 });
  expect(ran).toEqual(['retention', 'retention', 'retention']);
  ends = 'elsewhere';
  expect((await engine.call('POST', '/api/jobs/retention/run', {})).json()).toMatchObject({ status: 409, code: 'job_running' });
  ends = 'ended';
});

it('answers implausible_effect with what was held back, and confirms exactly that', async () => {
  const deletion = { project: engine.project, setting: 'retentionDays=3', rows: 2_000, ofRows: 2_500 };
  views = [view({ lastError: 'It would delete 2000 of 2500', lastErrorCode: 'implausible_effect', heldBack: [deletion] })];
  const refused = await engine.call('POST', '/api/jobs/retention/run', {});
  expect(refused.json()).toMatchObject({ status: 409, code: 'implausible_effect', detail: 'It would delete 2000 of 2500', job: { heldBack: [deletion] } });
  expect((await engine.call('POST', '/api/jobs/retention/run', { confirm: true })).json()).toMatchObject({ status: 409, code: 'nothing_to_confirm', field: 'confirm' });

  const lease = { name: 'retention', holder: 'engine-1', leaseMs: 1_000 };
  await engine.control.jobs.take(lease);
  await engine.control.jobs.end({ ...lease, durationMs: 1, rows: 0, result: null, error: 'no', errorCode: 'implausible_effect', heldBack: [deletion] });
  views = [view()];
  expect((await engine.call('POST', '/api/jobs/retention/run', { confirm: true })).statusCode).toBe(200);
  expect(await engine.control.jobs.isConfirmed({ job: 'retention', ...deletion })).toBe(true);
  expect(await engine.control.jobs.isConfirmed({ job: 'retention', ...deletion, setting: 'retentionDays=4' })).toBe(false);
  expect((await engine.call('GET', `/api/projects/${engine.project}/audit`)).json().entries[0]).toMatchObject({ action: 'job.confirm', subject: 'retention' });
});
