/** The job `rollups` at work in a chDB folder that nobody else has open; see bench/prepare/rollup-rounds.ts. */
import { ask, personsOfHashes, rollupDefinitions, WarehouseIdentities, type AskContext, type Meta } from '@tidemark/analytics';
import { Rollups } from '@tidemark/jobs';
import { DirtyBuckets } from '@tidemark/processor';
import { ChdbWarehouse, migrateWarehouse, type Warehouse } from '@tidemark/warehouse';
import type { RollupOrder, RollupRounds } from './prepare/rollup-rounds.ts';

process.once('message', (order: RollupOrder) => {
  rounds(order).then(
    (result) => process.send?.(result, () => process.exit(0)),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});

async function rounds({ warehousePath, project, properties, questions, plain, rounds: count }: RollupOrder): Promise<RollupRounds> {
  const warehouse = await ChdbWarehouse.open({ path: warehousePath });
  await migrateWarehouse(warehouse);
  const dirty = await DirtyBuckets.open(warehouse);
  const identities = new WarehouseIdentities({ warehouse, decisionsOf: () => Promise.resolve([]), changes: () => ({ claims: 0, links: 0, events: 0 }) });
  const nowMs = Date.now();
  const job = () =>
    new Rollups({
      warehouse,
      // No event is written meanwhile.
      writer: { status: () => ({ watermarkMs: nowMs }), between: (work) => work(), dirty },
      definitionsOf: () => Promise.resolve(rollupDefinitions(properties)),
      personsOf: async (of) => personsOfHashes(await identities.of(of)),
      clock: { doubt: () => Promise.resolve(undefined) },
      // Hours and days are made each 10 minutes, whatever was dirty.
      nowMs: () => 0,
    }).job;
  const oursMs: number[] = [];
  const plainMs: number[] = [];
  const made: number[] = [];
  // The first round seals, and warms up.
  for (let round = -1; round < count; round++) {
    await dirty.markStored();
    const [before] = await numbers(warehouse, 'SELECT max(version) AS version FROM rollup_buckets');
    const startedAt = performance.now();
    await job().run();
    const madeAt = performance.now();
    await warehouse.query(plain);
    if (round < 0) continue;
    oursMs.push(madeAt - startedAt);
    plainMs.push(performance.now() - madeAt);
    const [anew] = await numbers(warehouse, `SELECT uniqExact(time) AS buckets FROM rollup_buckets WHERE width = 900 AND project = '${project}' AND version > ${before!['version']}`);
    made.push(anew!['buckets']!);
  }
  const newest = `version IN (SELECT max(version) FROM rollup_buckets WHERE width = 900 GROUP BY time, property)`;
  const [rows] = await numbers(warehouse, `SELECT count() AS rows FROM rollup_rows WHERE width = 900 AND ${newest}`);
  await warehouse.command(`CREATE TABLE newest_rollups AS rollup_rows`);
  await warehouse.command(`INSERT INTO newest_rollups SELECT * FROM rollup_rows WHERE width = 900 AND ${newest}`);
  await warehouse.command(`OPTIMIZE TABLE newest_rollups FINAL`);
  const [size] = await numbers(warehouse, `SELECT sum(bytes_on_disk) AS bytes FROM system.parts WHERE active AND table = 'newest_rollups'`);
  const freshness = { status: () => ({ asOfMs: nowMs, watermarkMs: nowMs }), caughtUp: () => Promise.resolve(true) };
  const context: AskContext = { project, warehouse, clock: Date.now, freshness, identities };
  const answers = [];
  for (const question of questions) {
    const [rollups, events] = [await asked(question, context), await asked({ ...question, rollups: false }, context)];
    answers.push({ fromRollups: rollups.series, fromEvents: events.series, buckets: rollups.meta.rollups.buckets, rollupsMs: rollups.ms, eventsMs: events.ms });
  }
  await warehouse.close();
  return { oursMs, plainMs, buckets: Math.min(...made), rows: rows!['rows']!, bytes: size!['bytes']!, answers };
}

async function asked(question: object, context: AskContext): Promise<{ series: unknown; meta: Meta; ms: number }> {
  let ms = Infinity;
  for (let time = 0; ; time++) {
    const startedAt = performance.now();
    const { series, meta } = (await ask('trend', question, context)) as { series?: unknown; meta: Meta };
    ms = Math.min(ms, performance.now() - startedAt);
    if (time === 2) return { series, meta, ms };
  }
}

async function numbers(warehouse: Warehouse, sql: string): Promise<Record<string, number>[]> {
  const { rows } = await warehouse.query<Record<string, unknown>>(sql);
  return rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, Number(value)])));
}
