import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestPipeline } from '@tidemark/processor/testing';
import { idExpiry } from './id-expiry.ts';
import { heldBack } from './plausible.ts';
import { quarantineExpiry } from './quarantine-expiry.ts';
import { retention } from './retention.ts';

const DAY_MS = 86_400_000;
const NOW_MS = Date.UTC(2026, 5, 1);

let pipeline: TestPipeline;
const confirmed = new Set<string>();
const confirmations = { isConfirmed: async ({ job, project, setting }: { job: string; project: string; setting: string }) => confirmed.has(`${job} ${project} ${setting}`) };
beforeEach(() => confirmed.clear());

it.each([
  [1_000, 1_000, false],
  [1_001, 1_001, true],
  [1_001, 2_001, true],
  [1_001, 2_002, false],
  [5_000_000, 10_000_000, false],
])('%i of %i rows: held back %s', async (rows, ofRows, held) => {
  const deletion = { job: 'retention', project: 'p1', setting: 'retentionDays=1', rows, countAll: async () => ofRows };
  expect(await heldBack(deletion, confirmations)).toEqual(held ? { project: 'p1', setting: 'retentionDays=1', rows, ofRows } : undefined);
  confirmed.add('retention p1 retentionDays=1');
  expect(await heldBack(deletion, confirmations)).toBeUndefined();
});

describe('the jobs', () => {
  beforeEach(async () => {
    pipeline = new TestPipeline();
    await pipeline.open();
  });
  afterEach(() => pipeline.close());

  /** `young` and `old` rows of a project, straight into a table. */
  async function fill(table: string, columns: string, young: number, old: number): Promise<void> {
    for (const [rows, days] of [[young, 1], [old, 60]] as const) {
      await pipeline.warehouse.command(`INSERT INTO ${table} (${columns}) SELECT 'p1', fromUnixTimestamp64Milli(${NOW_MS - days * DAY_MS}, 'UTC') FROM numbers(${rows})`);
    }
  }

  async function count(table: string): Promise<number> {
    const { rows } = await pipeline.warehouse.query<{ rows: number }>(`SELECT count() AS rows FROM ${table}`);
    return rows[0]!.rows;
  }

  const parts = (days: number) => {
    const settings = { list: async () => [{ id: 'p1' }], retentionDays: async () => days, quarantineDays: async () => days };
    return { ...pipeline, settings, clock: { doubt: async () => undefined }, confirmations, nowMs: () => NOW_MS };
  };

  it('a retention over most of a project deletes nothing from any store until that very value is confirmed', async () => {
    for (const table of ['events', 'timeline']) await fill(table, 'project, time', 100, 1_500);
    const deletion = { project: 'p1', setting: 'retentionDays=30', rows: 1_500, ofRows: 1_600 };
    confirmed.add('retention p1 retentionDays=3').add('quarantine-expiry p1 retentionDays=30');
    expect(await retention(parts(30)).run()).toMatchObject({ rows: 0, heldBack: [deletion] });
    expect([await count('events'), await count('timeline')]).toEqual([1_600, 1_600]);
    confirmed.add('retention p1 retentionDays=30');
    expect(await retention(parts(30)).run()).toMatchObject({ rows: 1_500, heldBack: [] });
    expect([await count('events'), await count('timeline')]).toEqual([100, 100]);
    expect(await retention(parts(30)).run()).toBeUndefined();
  });

  it('a retention over less than half goes on unasked', async () => {
    await fill('events', 'project, time', 1_600, 1_500);
    expect(await retention(parts(30)).run()).toMatchObject({ rows: 1_500, heldBack: [] });
    expect(await count('events')).toBe(1_600);
  });

  it('so do quarantined items, and the remembered ids of all projects', async () => {
    await fill('quarantine', 'project, received_at', 0, 1_200);
    expect(await quarantineExpiry(parts(30)).run()).toMatchObject({ rows: 0, heldBack: [{ rows: 1_200, ofRows: 1_200 }] });
    await pipeline.warehouse.command(`INSERT INTO event_ids (key, received_at) SELECT randomFixedString(16), toDateTime(${NOW_MS / 1000 - 60 * 86_400}) FROM numbers(1200)`);
    const round = await idExpiry(parts(30)).run();
    expect(round).toMatchObject({ rows: 0, heldBack: [{ project: '', rows: 1_200, ofRows: 1_200 }] });
    expect([await count('quarantine'), await count('event_ids')]).toEqual([1_200, 1_200]);
    confirmed.add('quarantine-expiry p1 quarantineDays=30').add(`id-expiry  ${round!.heldBack![0]!.setting}`);
    await quarantineExpiry(parts(30)).run();
    await idExpiry(parts(30)).run();
    expect([await count('quarantine'), await count('event_ids')]).toEqual([0, 0]);
  });
});
