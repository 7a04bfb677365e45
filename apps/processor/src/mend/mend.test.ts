/**
 * Parts and files that a power loss broke, behind an unclean stop: whatever of the last minute, or of all time, is gone
 * from one store or from several, the next start puts it back, once. `TIDEMARK_MEND_ROUNDS=200` runs longer,
 * `TIDEMARK_SEED=…` runs the same again.
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { compactLake, Lake } from '@tidemark/lake';
import { LmdbLogReader, LmdbLogWriter, LmdbPositions, type Frames } from '@tidemark/log';
import { ChdbWarehouse, keepReplacedParts, migrateWarehouse, partsOnDisk, readCheckpoint, takeCheckpoint, verifyParts } from '@tidemark/warehouse';
import { afterEach, expect, it } from 'vitest';
import { Processor } from '../processor.ts';
import { eventFrames, storedEvent } from '../testing.ts';
import { recover, type Recovered } from './recover.ts';

const ROUNDS = Number(process.env['TIDEMARK_MEND_ROUNDS'] ?? 2);
const SEED = Number(process.env['TIDEMARK_SEED'] ?? Date.now() % 1_000_000);
const TABLES = ['events', 'timeline', 'event_ids', 'quarantine', 'outcomes', 'identity_claims', 'identity_links'] as const;

/** The engine's stores in a folder, which can be stopped, damaged and started again. */
class Stores {
  readonly folder: string;
  warehouse!: ChdbWarehouse;
  writer!: LmdbLogWriter;
  reader!: LmdbLogReader;
  positions!: LmdbPositions;
  lake!: Lake;
  processor!: Processor;
  recovered!: Recovered;
  /** Offsets behind what is committed, as they were when it was last stopped. */
  lastCommitted = { events: 0, quarantine: 0 };

  constructor(folder = mkdtempSync(join(tmpdir(), 'tidemark-mend-'))) {
    this.folder = folder;
  }

  get checkpointPath(): string {
    return join(this.folder, 'warehouse', 'checkpoint');
  }

  /** What the engine does at a start after an unclean stop. */
  async start(): Promise<void> {
    const checkpoint = readCheckpoint(this.checkpointPath);
    await keepReplacedParts(join(this.folder, 'warehouse', 'data'), Date.now());
    const onDisk = await partsOnDisk(join(this.folder, 'warehouse', 'data'));
    this.warehouse = await ChdbWarehouse.open({ path: join(this.folder, 'warehouse') });
    const verified = await verifyParts(this.warehouse, checkpoint, onDisk);
    await migrateWarehouse(this.warehouse);
    this.writer = await LmdbLogWriter.open(join(this.folder, 'log'));
    this.reader = LmdbLogReader.open(join(this.folder, 'log'))!;
    this.positions = new LmdbPositions(join(this.folder, 'positions'));
    this.lake = await Lake.open(join(this.folder, 'lake'), this.warehouse);
    const { warehouse, reader, positions, lake } = this;
    this.recovered = await recover({ checkpoint, verified, warehouse, reader, positions, lake, temporaryFolder: warehouse.temporaryFolder, idsSinceMs: 0 });
    const temporaryFolder = warehouse.temporaryFolder;
    this.processor = await Processor.open({ reader, positions, warehouse, lake, temporaryFolder, nowMs: Date.now, version: 'test', lingerMs: 0 });
    this.processor.start();
    running.add(this);
    await this.drained();
  }

  async stop(): Promise<void> {
    running.delete(this);
    await this.processor.stop();
    this.lastCommitted = { events: this.positions.get('events', 0)!.offset, quarantine: this.positions.get('quarantine', 0)!.offset };
    await this.reader.close();
    await this.writer.close();
    await this.positions.close();
    this.lake.close();
    await this.warehouse.close();
  }

  /** The checkpoint that is written now and then; `ageMs`: as if that long ago. */
  async checkpoint(ageMs = 0): Promise<void> {
    const committed = { events: this.positions.get('events', 0)!, quarantine: this.positions.get('quarantine', 0)! };
    await takeCheckpoint(this.checkpointPath, this.warehouse, () => committed, { clean: false, nowMs: Date.now() - ageMs });
  }

  async drained(): Promise<void> {
    for (let waited = 0; (await this.processor.balance()).pending > 0; waited += 20) {
      if (waited > 30_000) throw new Error('still pending');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** All that can be counted, in a form that two states can be compared by. */
  async state(): Promise<Record<string, unknown>> {
    const rows = async (sql: string): Promise<unknown[]> => (await this.warehouse.query(sql)).rows;
    const lakeIds: string[] = [];
    for (const { path } of this.lake.manifest.files) {
      const file = join(this.folder, 'lake', path);
      lakeIds.push(...(await this.warehouse.query<{ id: string }>(`SELECT concat(toString(offset), ' ', event_id, ' ', properties, ' ', country, ' ', hex(key)) AS id FROM file('${file}', 'Parquet')`)).rows.map(({ id }) => id));
    }
    return {
      events: await rows('SELECT offset, event_id, user_id, country, toString(properties) AS p, time FROM events ORDER BY offset, event_id'),
      timeline: await rows('SELECT offset, event_id, raw_id, properties, context, time FROM timeline ORDER BY offset, event_id'),
      ids: await rows('SELECT offset, hex(key) AS k, content FROM event_ids ORDER BY offset'),
      quarantine: await rows('SELECT topic, offset, event_id, code, original FROM quarantine ORDER BY topic, offset'),
      outcomes: await rows(`SELECT project, source, outcome, code, sum(events) AS e FROM outcomes GROUP BY ALL ORDER BY ALL`),
      claims: await rows('SELECT project, device, user, min(first) AS first FROM identity_claims GROUP BY ALL ORDER BY ALL'),
      links: await rows('SELECT project, user, previous, min(first) AS first FROM identity_links GROUP BY ALL ORDER BY ALL'),
      lake: lakeIds.toSorted(),
      balance: await this.processor.balance(),
    };
  }
}

function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

let ids = 0;
/** Users on devices of each other, and now and then an alias. */
function whoOf(id: number) {
  return { userId: id % 3 === 0 ? '' : `u${id % 7}`, anonymousId: `d${id % 11}`, ...(id % 10 === 1 ? { type: 'alias' as const, previousId: `u${id % 5}` } : {}) };
}

/** Some requests: new events, copies, conflicts, and what was refused at the door. */
async function append(stores: Stores, random: () => number, requests: number): Promise<void> {
  for (let request = 0; request < requests; request++) {
    const receivedAtMs = stores.writer.stamp();
    const minuteMs = receivedAtMs - (receivedAtMs % 60_000);
    const events = Array.from({ length: 1 + Math.floor(random() * 40) }, () => {
      const isCopy = ids > 0 && random() < 0.2;
      const id = isCopy ? Math.floor(random() * ids) : ids++;
      const timeMs = Date.UTC(2026, Math.floor(id % 3), 15, 10) + id;
      return storedEvent(`e${id}`, { receivedAtMs, timeMs, country: id % 2 === 0 ? 'DE' : '', ...whoOf(id), properties: `{"n":${random() < 0.1 ? -1 : id}}` });
    });
    const frames: Frames[] = [eventFrames(events)];
    let received = events.length;
    if (random() < 0.5) {
      const faults = [{ field: 'eventName', code: 'missing_event_name', detail: 'none' }];
      const item = { kind: 'item', project: 'p1', source: 'web', receivedAtMs, code: 'missing_event_name', detail: 'none', faults, eventId: `q${request}`, eventName: '', original: '{"a":1}', encoding: 'utf8' };
      const tally = { kind: 'tally', project: 'p1', source: 'web', receivedAtMs, outcome: 'rejected', code: 'event_too_large', events: 2 };
      const records = [item, tally].map((record) => Buffer.from(JSON.stringify(record)));
      const bytes = Buffer.concat(records.flatMap((record) => [Buffer.from(Uint32Array.of(record.length).buffer), record]));
      frames.push({ topic: 'quarantine', partition: 0, count: 2, bytes });
      received += 3;
    }
    await stores.writer.append(frames, [{ project: 'p1', source: 'web', minuteMs, received }], receivedAtMs);
    if (random() < 0.4) await stores.drained();
  }
  await stores.drained();
}

/** The folders of the parts of a table, the active ones and those a merge replaced. */
function partFolders(table: string, paths: Record<string, string>): string[] {
  return readdirSync(paths[table]!).filter((name) => /^[^_]+_\d+_\d+_\d+/.test(name)).map((name) => join(paths[table]!, name));
}

function filesIn(folder: string): string[] {
  return readdirSync(folder).map((name) => join(folder, name)).filter((path) => statSync(path).isFile() && statSync(path).size > 0);
}

const DAMAGES = {
  removed: (folder: string) => rmSync(folder, { recursive: true }),
  zeroed: (folder: string) => filesIn(folder).forEach((file) => writeFileSync(file, Buffer.alloc(statSync(file).size))),
  'data zeroed': (folder: string) => filesIn(folder).filter((file) => file.endsWith('.bin')).forEach((file) => writeFileSync(file, Buffer.alloc(statSync(file).size))),
  cut: (folder: string, random: () => number) => {
    const file = pick(filesIn(folder).filter((path) => !path.endsWith('default_compression_codec.txt')), random);
    truncateSync(file, Math.floor(random() * statSync(file).size));
  },
  'a file missing': (folder: string, random: () => number) => rmSync(pick(filesIn(folder).filter((path) => path.endsWith('.bin')), random)),
  'a bit flipped': (folder: string, random: () => number) => {
    const file = pick(filesIn(folder).filter((path) => path.endsWith('.bin')), random);
    const bytes = readFileSync(file);
    bytes[Math.floor(random() * bytes.length)]! ^= 1 << Math.floor(random() * 8);
    writeFileSync(file, bytes);
  },
};

const CONTENT_ONLY: readonly string[] = ['data zeroed', 'a bit flipped'];

function pick<Item>(items: readonly Item[], random: () => number): Item {
  return items[Math.floor(random() * items.length)]!;
}

async function tablePaths(stores: Stores): Promise<Record<string, string>> {
  const { rows } = await stores.warehouse.query<{ name: string; path: string }>(
    `SELECT name, data_paths[1] AS path FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'`,
  );
  return Object.fromEntries(rows.map(({ name, path }) => [name, path]));
}

const NOTHING = { refilled: { events: 0, timeline: 0, event_ids: 0, lake: 0 }, setBack: {}, unmended: 0 };

const folders: string[] = [];
const running = new Set<Stores>();
afterEach(async () => {
  // The engine opens one folder a process: what a failed test left open would fail the next one too.
  for (const stores of running) await stores.stop();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

it(`X9: ${ROUNDS} times parts and files are broken behind an unclean stop, and the next start has every event once (seed ${SEED})`, async () => {
  const random = randomOf(SEED);
  ids = 0;
  const first = new Stores();
  folders.push(first.folder);
  await first.start();
  await append(first, random, 12);
  await first.checkpoint(-120_000);
  await append(first, random, 3);
  for (const table of TABLES) if (random() < 0.5) await first.warehouse.command(`OPTIMIZE TABLE ${table} FINAL`);
  if (random() < 0.5) await compactLake(first.lake, first.warehouse);
  await append(first, random, 3);
  const expected = await first.state();
  expect(expected['balance']).toMatchObject({ pending: 0, difference: 0 });
  const paths = await tablePaths(first);
  const lakeFiles = [...first.lake.manifest.files].map(({ path }) => path);
  await first.stop();

  let found = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const copy = new Stores(mkdtempSync(join(tmpdir(), 'tidemark-mend-')));
    folders.push(copy.folder);
    cpSync(first.folder, copy.folder, { recursive: true, preserveTimestamps: true });
    const moved = Object.fromEntries(Object.entries(paths).map(([table, path]) => [table, path.replace(first.folder, copy.folder)]));
    const done: string[] = [];
    const victims = TABLES.filter((_, index) => index === round % TABLES.length || random() < 0.4);
    for (const table of victims) {
      const share = pick([0.5, 1], random);
      for (const part of partFolders(table, moved).filter((_, index) => index === 0 || random() < share)) {
        // What the checkpoint vouches for is not read; the engine itself finds it gone or of another size.
        const vouched = Object.values(readCheckpoint(first.checkpointPath)!.parts).flat().includes(basename(part));
        const hows = (Object.keys(DAMAGES) as (keyof typeof DAMAGES)[]).filter((how) => !vouched || !CONTENT_ONLY.includes(how));
        const how = pick(hows, random);
        DAMAGES[how](part, random);
        done.push(`${table} ${basename(part)} ${how}`);
      }
    }
    if (random() < 0.5) {
      const file = join(copy.folder, 'lake', pick(lakeFiles, random));
      const how = pick(['removed', 'cut', 'zeroed'] as const, random);
      if (how === 'removed') rmSync(file);
      else if (how === 'cut') truncateSync(file, Math.floor(random() * statSync(file).size));
      else {
        writeFileSync(file, Buffer.alloc(statSync(file).size));
        // A file of the right size that the checkpoint vouches for is not read.
        rmSync(copy.checkpointPath);
      }
      done.push(`lake ${file.slice(copy.folder.length)} ${how}`);
    }
    if (random() < 0.2) rmSync(copy.checkpointPath, { force: true });
    const label = `round ${round}: ${done.join('; ')}`;
    await copy.start();
    expect(await copy.state(), `${label}; ${JSON.stringify(copy.recovered)}`).toEqual(expected);
    const { verified, brokenFiles, mended } = copy.recovered;
    found += verified.broken.length + verified.vanished.length + brokenFiles.length;
    expect(mended?.unmended, label).toBe(0);
    await copy.checkpoint();
    await copy.stop();
    await copy.start();
    expect(copy.recovered, `second start of ${label}`).toMatchObject({ verified: { broken: [], vanished: [] }, brokenFiles: [], mended: NOTHING });
    expect(await copy.state(), `second start of ${label}`).toEqual(expected);
    await copy.stop();
    rmSync(copy.folder, { recursive: true, force: true });
  }
  // Damage of parts that a merge has replaced isn't seen, and does no harm; other damage was.
  expect(found).toBeGreaterThan(0);
}, 180_000 + ROUNDS * 20_000);

it('X9: a store that is lost altogether comes back from the others, also when the log no longer has its records', async () => {
  const random = randomOf(7);
  ids = 0;
  const first = new Stores();
  folders.push(first.folder);
  await first.start();
  await append(first, random, 8);
  await compactLake(first.lake, first.warehouse);
  await append(first, random, 2);
  await first.checkpoint();
  const paths = await tablePaths(first);
  const lakeFiles = [...first.lake.manifest.files].map(({ path }) => path);
  const expected = await first.state();

  const comesBack = async (lost: readonly string[], state: Record<string, unknown>): Promise<void> => {
    const copy = new Stores(mkdtempSync(join(tmpdir(), 'tidemark-mend-')));
    folders.push(copy.folder);
    cpSync(first.folder, copy.folder, { recursive: true, preserveTimestamps: true });
    const moved = Object.fromEntries(Object.entries(paths).map(([table, path]) => [table, path.replace(first.folder, copy.folder)]));
    for (const store of lost) {
      if (store === 'lake') for (const path of lakeFiles) rmSync(join(copy.folder, 'lake', path));
      else for (const part of partFolders(store, moved)) rmSync(part, { recursive: true });
    }
    await copy.start();
    const label = `without ${lost.join(' and ')}; ${JSON.stringify(copy.recovered)}`;
    expect(await copy.state(), label).toEqual(state);
    expect(Object.entries(copy.recovered.mended!.refilled).flatMap(([store, rows]) => (rows > 0 ? [store] : [])), label).toEqual(lost);
    await copy.stop();
    rmSync(copy.folder, { recursive: true, force: true });
  };

  await first.stop();
  // The content of an event, by which a copy is told from a conflict, is in neither table.
  await comesBack(['event_ids', 'lake'], expected);

  const writer = await LmdbLogWriter.open(join(first.folder, 'log'));
  for (const topic of ['events', 'quarantine'] as const) await writer.drop(topic, 0, first.lastCommitted[topic], Infinity);
  await writer.close();
  const reader = LmdbLogReader.open(join(first.folder, 'log'))!;
  const readableFrom = reader.startOffset('events', 0);
  await reader.close();
  expect(readableFrom).toBeGreaterThan(100);
  for (const lost of [['events'], ['timeline'], ['event_ids'], ['lake']]) await comesBack(lost, expected);
  const ofUnknownContent = (expected['ids'] as { offset: number }[]).map((id) => (id.offset < readableFrom ? { ...id, content: 0 } : id));
  await comesBack(['event_ids', 'lake'], { ...expected, ids: ofUnknownContent });
});
