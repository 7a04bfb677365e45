/** Rollups of the form before named properties, hours and days (migrations 001 to 009) answer the same after the upgrade, wherever it was cut. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ask, personsOfHashes, plainIdentity, rollupDefinitions, type Meta } from '@tidemark/analytics';
import { Rollups } from '@tidemark/jobs';
import { DirtyBuckets } from '@tidemark/processor';
import { actorHashSql, ChdbWarehouse, migrateWarehouse, raiseLine, statementsOf, warehouseMigrations, type Migration } from '@tidemark/warehouse';
import { afterAll, expect, it } from 'vitest';

const DAY_MS = 86_400_000;
const QUARTER_MS = 900_000;
const DAYS = 3;
const FROM_MS = Date.UTC(2026, 4, 1);
const UNTIL_MS = FROM_MS + DAYS * DAY_MS;
/** Events of the first day have expired. */
const FROZEN_MS = FROM_MS + DAY_MS;

const all = warehouseMigrations();
const before = all.filter(({ name }) => name < '010');
const upgrade = all.find(({ name }) => name.startsWith('010'))!;
const steps = statementsOf(upgrade.sql);

const folder = mkdtempSync(join(tmpdir(), 'tidemark-rollup-upgrade-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Each event in a quarter of its own, and 7 in some; of 50 devices, a third of which are users. */
const events = (fromMs: number, toMs: number) => `SELECT 'p' AS project, arrayElement(['view', 'buy'], 1 + number % 2) AS event_name,
  fromUnixTimestamp64Milli(toInt64(${fromMs} + number * ${QUARTER_MS / 3}), 'UTC') AS time, toString(number + ${fromMs}) AS event_id, concat('d', toString(number % 50)) AS anonymous_id,
  if(number % 3 = 0, concat('u', toString(number % 5)), '') AS user_id, arrayElement(['DE', 'FR'], 1 + number % 2) AS country,
  concat('{"geo":{"country":"', country, '"}}') AS context, 'web' AS source, 'track' AS type, 'e' AS epoch, number AS offset
  FROM numbers(${((toMs - fromMs) / QUARTER_MS) * 3})`;
const COLUMNS = 'project, event_name, time, event_id, anonymous_id, user_id, country, context, source, type, epoch, offset';

/** As the job before wrote them: version 1 of everything, version 3 of the last day. */
async function oldStore(path: string): Promise<ChdbWarehouse> {
  const warehouse = await ChdbWarehouse.open({ path });
  await migrateWarehouse(warehouse, before);
  await warehouse.command(`INSERT INTO events (${COLUMNS}) ${events(FROM_MS, UNTIL_MS)}`);
  const dimensions = rollupDefinitions([])[0]!.dimensions;
  const bucket = `toStartOfInterval(time, INTERVAL 15 MINUTE)`;
  const rollUp = async (version: number, fromMs: number): Promise<void> => {
    const within = `time >= fromUnixTimestamp64Milli(${fromMs})`;
    await warehouse.command(
      `INSERT INTO rollups (project, event_name, time, version, source, bot, ${dimensions.map(({ column }) => column).join(', ')}, events, actors)
       SELECT project, event_name, bucket, ${version}, source, bot, ${dimensions.map(({ column }) => `d_${column}`).join(', ')}, count(), groupUniqArray(actor)
       FROM (SELECT project, event_name, ${bucket} AS bucket, source, bot, ${dimensions.map(({ column, sql }) => `${sql} AS d_${column}`).join(', ')}, ${actorHashSql('user_id', 'anonymous_id')} AS actor FROM events WHERE ${within})
       GROUP BY project, event_name, bucket, source, bot, ${dimensions.map(({ column }) => `d_${column}`).join(', ')}`,
    );
    await warehouse.command(`INSERT INTO rollup_buckets (project, time, version, made_at) SELECT DISTINCT project, ${bucket}, ${version}, now() FROM events WHERE ${within}`);
  };
  await rollUp(1, FROM_MS);
  await rollUp(3, UNTIL_MS - DAY_MS);
  await raiseLine(warehouse, 'mark', UNTIL_MS);
  await raiseLine(warehouse, 'sealed', UNTIL_MS);
  await raiseLine(warehouse, 'frozen', FROZEN_MS, 'p');
  await warehouse.command(`ALTER TABLE events DELETE WHERE time < fromUnixTimestamp64Milli(${FROZEN_MS}) SETTINGS mutations_sync = 2`);
  // A late event of a quarter that is marked: what the rollup says of it is not to be believed.
  await warehouse.command(`INSERT INTO events (${COLUMNS}) SELECT * REPLACE ('late' AS event_id, 1000000 AS offset) FROM (${events(UNTIL_MS - DAY_MS, UNTIL_MS)}) LIMIT 1`);
  await warehouse.command(`INSERT INTO rollup_marks (project, time, generation, epoch, offset) SELECT 'p', fromUnixTimestamp64Milli(${UNTIL_MS - DAY_MS}), 1, 'e', 1000001`);
  return warehouse;
}

async function answers(warehouse: ChdbWarehouse): Promise<object[]> {
  const identities = { of: async (project: string) => plainIdentity(project) };
  const freshness = { status: () => ({ asOfMs: UNTIL_MS, watermarkMs: UNTIL_MS }), caughtUp: async () => true };
  const range = { from: new Date(FROM_MS).toISOString(), to: new Date(UNTIL_MS).toISOString(), granularity: 'day' };
  return Promise.all(
    [{ series: [{ measure: 'users' }, {}] }, { series: [{ event: 'buy', measure: 'users' }], breakdown: ['context.geo.country'] }].map(async (question) => {
      const { series, meta } = (await ask('trend', { ...range, ...question }, { project: 'p', warehouse, clock: () => UNTIL_MS, freshness, identities })) as { series?: unknown; meta: Meta };
      return { series, approximate: meta.approximate };
    }),
  );
}

async function rollUp(warehouse: ChdbWarehouse): Promise<void> {
  const writer = { status: () => ({ watermarkMs: UNTIL_MS }), between: <Result>(work: () => Promise<Result>) => work(), dirty: await DirtyBuckets.open(warehouse) };
  await new Rollups({ warehouse, writer, definitionsOf: async () => rollupDefinitions(['properties.item']), personsOf: async (project) => personsOfHashes(plainIdentity(project)), clock: { doubt: async () => undefined } }).job.run();
}

const point = (day: number, value: number) => ({ time: new Date(FROM_MS + day * DAY_MS).toISOString(), value });
const cut = (count: number): Migration => ({ ...upgrade, sql: `${steps.slice(0, count).join(';\n')};\n` });

it('the upgraded rollups say what they said, and the job goes on with them', async () => {
  expect(steps).toHaveLength(4);
  for (const [name, stops] of [['whole', []], ['cut', [1, 2, 3]], ['unnoted', [2]]] as const) {
    const warehouse = await oldStore(join(folder, name));
    for (const stop of stops) await migrateWarehouse(warehouse, [...before, cut(stop)]);
    // Killed after the copy was made and before that was written down.
    if (name === 'unnoted') {
      await warehouse.command(`ALTER TABLE migrations DELETE WHERE name = '${upgrade.name}' AND statement = 1 SETTINGS mutations_sync = 2`);
      await warehouse.command(`ALTER TABLE migrations MODIFY COMMENT ''`);
    }
    await migrateWarehouse(warehouse, all);
    const found = await answers(warehouse);
    // 96 quarters of three events a day, of 50 devices and 5 users: users take the place of their devices in a third.
    const users = [point(0, 55), point(1, 55), point(2, 55)];
    expect(found[0], name).toMatchObject({ series: [{ total: 55, points: users }, { total: 3 * 288 + 1, points: [point(0, 288), point(1, 288), point(2, 289)] }], approximate: true });
    expect(found[1], name).toMatchObject({ series: [{ breakdown: ['FR'], points: [point(0, 30), point(1, 30), point(2, 30)] }] });
    await rollUp(warehouse);
    expect(await answers(warehouse), `${name}, after the job`).toEqual(found);
    const { rows } = await warehouse.query(`SELECT toString(property) AS property, width, uniqExact(time) AS spans FROM rollup_buckets GROUP BY property, width ORDER BY property, width`);
    expect(rows, name).toContainEqual({ property: '', width: 86_400, spans: 3 });
    await warehouse.close();
  }
});
