/** A real warehouse in a temporary folder for tests, filled the way the processor fills it. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FLAG, RowWriter, toJsonText, writeInt64, PREFIX, type JsonObject, type StoredEvent } from '@tidemark/event';
import type { ChdbWarehouse } from '@tidemark/warehouse';
import { AdhocQueries, insertDerived, insertStaged, LAKE_COLUMNS, literal, stagedRows, Staging, type AdhocLimits, type FileLake } from '@tidemark/warehouse';
import { buildQueryProgram, openMigrated } from '@tidemark/warehouse/testing';
import type { AskContext } from '../asking/ask-context.ts';

export interface TestStore {
  warehouse: ChdbWarehouse;
  sql?: AdhocQueries;
  /** What SQL queries are handed lies below, while they run. */
  sqlFolder: string;
  /** Where the next range begins. */
  readonly offset: number;
  /** Stores events of a project as the next range of the log. */
  add(events: readonly StoredEvent[]): Promise<void>;
  /** Context of questions to one project, asked at `nowMs`. */
  context(project: string, nowMs?: number): AskContext;
  close(): Promise<void>;
}

/** `sql`: with a lake beside it, and what asks SQL queries of it. `confine: false`: in plain processes. */
export async function openTestStore(options: { sql?: Partial<AdhocLimits>; confine?: boolean } = {}): Promise<TestStore> {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-analytics-'));
  const warehouse = await openMigrated({ path: folder, connections: 1 });
  const staging = await Staging.open(warehouse, warehouse.temporaryFolder);
  let offset = 0;
  const files: { path: string; rows: number; fromMs: number; toMs: number }[] = [];
  const lake: FileLake = { folder: join(folder, 'lake'), manifest: { files } };
  mkdirSync(lake.folder);
  const sqlFolder = join(folder, 'sql');
  const sql = options.sql === undefined ? undefined : new AdhocQueries({ program: await buildQueryProgram(), folder: sqlFolder, lake, warehouse, limits: options.sql, ...(options.confine !== undefined && { confine: options.confine }) });
  return {
    warehouse,
    sqlFolder,
    ...(sql !== undefined && { sql }),
    get offset() {
      return offset;
    },
    async add(events) {
      const range = { epoch: 'e1', partition: 0, from: offset, to: offset + events.length };
      const rows = new RowWriter();
      const parts: Buffer[] = [];
      for (const event of events) {
        rows.write(event);
        const row = rows.take();
        writeInt64(row, PREFIX.offset, offset++);
        parts.push(row);
      }
      await staging.load([Buffer.concat(parts)]);
      for (const table of ['events', 'timeline', 'event_ids'] as const) await warehouse.command(insertStaged(table, range, false));
      await insertDerived(warehouse, 'staging');
      if (sql === undefined || events.length === 0) return;
      const path = `${range.from}.parquet`;
      await warehouse.command(`INSERT INTO FUNCTION file(${literal(join(lake.folder, path))}, 'Parquet') ${stagedRows(LAKE_COLUMNS, range)}`);
      const times = events.map(({ timeMs }) => timeMs);
      files.push({ path, rows: events.length, fromMs: Math.min(...times), toMs: Math.max(...times) });
    },
    context(project, nowMs = Date.UTC(2026, 4, 10)) {
      const freshness = { status: () => ({ asOfMs: nowMs, watermarkMs: nowMs - 7_200_000 }), caughtUp: async () => true };
      return { project, warehouse, clock: () => nowMs, freshness, ...(sql !== undefined && { sql }) };
    },
    async close() {
      sql?.close();
      await staging.close();
      await warehouse.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export interface EventSketch extends Partial<Omit<StoredEvent, 'properties' | 'context' | 'traits'>> {
  properties?: JsonObject;
  context?: JsonObject;
  traits?: JsonObject;
}

let made = 0;

/** A stored event from the few fields that a test cares about. */
export function storedEvent({ properties = {}, context = {}, traits = {}, ...given }: EventSketch): StoredEvent {
  const timeMs = given.timeMs ?? Date.UTC(2026, 4, 3, 10);
  return {
    project: 'p1', source: 'web', eventId: `id-${++made}`, eventName: 'view', type: 'track',
    userId: given.anonymousId === undefined ? 'u1' : '', anonymousId: '', sessionId: '', groupId: '', previousId: '', schemaVersion: '',
    sequence: 0, timeMs, originalTimeMs: timeMs, receivedAtMs: timeMs, bot: false, flags: FLAG.timestampGiven,
    country: '', os: '', browser: '', deviceType: '', channel: '', campaignSource: '', campaignMedium: '', campaignName: '',
    referrerHost: '', pagePath: '', appVersion: '', locale: '',
    ...given,
    properties: toJsonText(properties, true), context: toJsonText(context, true), traits: toJsonText(traits, true),
  };
}
