/**
 * Gives each store the rows that another one still holds. Every stored event lies in three of them: the lake has it whole,
 * as it was staged, and is what tables are made again from; the lake is made again from both tables together. The hash of an
event's content, which tells a conflict from a copy, is in neither of those: it comes from the log, as long as that has it.
 */
import { randomUUID } from 'node:crypto';
import { dropHeldOffsets, filesOf, HELD_OFFSETS, loadHeldOffsets, type Lake, type LakeFile } from '@tidemark/lake';
import type { LogReader } from '@tidemark/log';
import { insertStaged, LAKE_COLUMNS, literal, positionCondition, Staging, type OffsetRange, type PositionedTable, type Warehouse } from '@tidemark/warehouse';
import { selectRows } from '../range/range.ts';
import { inCurrentFormat } from '../range/row-format.ts';
import { insertEventsFromLake, insertFromLake, type LakeRows } from './lake-rows.ts';

/** Of the log, in memory at once. */
const BOUNDS = { maxRecords: 50_000, maxBytes: 32 << 20 };

export interface RefillParts {
  reader: LogReader;
  warehouse: Warehouse;
  lake: Lake;
  temporaryFolder: string;
  /** Paths of files of the lake that can't be read. */
  broken: ReadonlySet<string>;
  /** Epoch ms: ids that were received in weeks (from Monday) before this day are forgotten for good. */
  idsSinceMs: number;
}

/** How many rows each store was given. */
export type Refilled = Record<PositionedTable | 'lake', number>;

/** Once done, `range` is in `events` and `timeline` alike, as far as the lake has it. */
export async function refillTables(parts: RefillParts, range: OffsetRange, refilled: Refilled): Promise<void> {
  refilled.events += await grown(parts, 'events', range, () => insertEventsFromLake(parts, 'events', missingRows(parts, 'events', range)));
  refilled.timeline += await grown(parts, 'timeline', range, () => insertFromLake(parts, 'timeline', 'timeline', missingRows(parts, 'timeline', range)));
}

/** Ids of the stored events of `range`, from the log, the lake and else from the timeline: there the content is not known (0). */
export async function refillIds(parts: RefillParts, range: OffsetRange, refilled: Refilled): Promise<void> {
  refilled.event_ids += await idsFromLog(parts, range);
  const lost = missingRows(parts, 'event_ids', range);
  const remembered = { ...lost, condition: `${lost.condition} AND ${rememberedSince(parts.idsSinceMs)}` };
  refilled.event_ids += await grown(parts, 'event_ids', range, () => insertFromLake(parts, 'event_ids', 'event_ids', remembered));
  refilled.event_ids += await grown(parts, 'event_ids', range, async () => {
    await parts.warehouse.command(
      `INSERT INTO event_ids (key, content, received_at, epoch, partition, offset)
       SELECT MD5(concat(project, '\\0', event_id)), 0, toDateTime(received_at), epoch, partition, offset FROM timeline
       WHERE ${positionCondition(range)} AND ${rememberedSince(parts.idsSinceMs)} AND ${notIn('event_ids', range)}`,
    );
  });
}

/** A file with the rows of `range` that both tables hold and the lake doesn't; not yet in the manifest. undefined when there are none. */
export async function refillLake(parts: RefillParts, range: OffsetRange, refilled: Refilled): Promise<LakeFile | undefined> {
  const { warehouse, lake } = parts;
  // The content of a row is in the log, the lake and event_ids alone; when two are lost, all have it from the third.
  refilled.event_ids += await idsFromLog(parts, range);
  await loadHeldOffsets(lake, warehouse, readable(parts, range), range);
  const written = await lake.publish(
    `landing/${range.epoch}-${range.partition}-${range.from}-${range.to}-${randomUUID()}.parquet`,
    lakeRows(range, `offset NOT IN (SELECT offset FROM ${HELD_OFFSETS})`),
  );
  await dropHeldOffsets(warehouse);
  refilled.lake += written.rows;
  return written.rows === 0 ? undefined : { ...written, ranges: [range] };
}

/** SQL: was the event received in a week whose ids are kept? The table's partitions are weeks, and go as a whole. */
export function rememberedSince(idsSinceMs: number): string {
  return `toMonday(received_at) >= toDate(${literal(new Date(idsSinceMs).toISOString().slice(0, 10))})`;
}

/** Rows of `range` that the lake has and the table has not. */
function missingRows(parts: RefillParts, table: PositionedTable, range: OffsetRange): LakeRows {
  return { files: readable(parts, range), condition: positionCondition(range), missing: notIn(table, range) };
}

function readable({ lake, broken }: RefillParts, range: OffsetRange): LakeFile[] {
  return filesOf(lake, range).filter(({ path }) => !broken.has(path));
}

/** Ids of those events of `range` that were stored, by the timeline, and that the log still has. */
async function idsFromLog({ reader, warehouse, temporaryFolder, idsSinceMs }: RefillParts, range: OffsetRange): Promise<number> {
  if (!reader.epochs.some(({ name }) => name === range.epoch)) return 0;
  const inLog = { ...range, from: Math.max(range.from, reader.startOffset('events', range.partition)) };
  const { rows: lost } = await warehouse.query<{ offset: number }>(
    `SELECT offset FROM timeline WHERE ${positionCondition(inLog)} AND ${rememberedSince(idsSinceMs)} AND ${notIn('event_ids', inLog)}`,
  );
  if (lost.length === 0) return 0;
  const offsets = new Set(lost.map(({ offset }) => offset));
  return grown({ warehouse }, 'event_ids', inLog, async () => {
    const staging = await Staging.open(warehouse, temporaryFolder);
    for (let { from } = inLog; from < inLog.to; ) {
      const batches = reader.read('events', range.partition, from, BOUNDS).map(inCurrentFormat);
      const last = batches.at(-1);
      if (last === undefined) break;
      const read = { ...inLog, from, to: Math.min(last.baseOffset + last.count, inLog.to) };
      await staging.load(selectRows(batches, read, (index) => offsets.has(read.from + index)));
      await warehouse.command(insertStaged('event_ids', read, false));
      from = read.to;
    }
    await staging.clear();
    await staging.close();
  });
}

async function grown({ warehouse }: Pick<RefillParts, 'warehouse'>, table: PositionedTable, range: OffsetRange, write: () => Promise<void>): Promise<number> {
  const count = async (): Promise<number> => {
    const { rows } = await warehouse.query<{ held: number }>(`SELECT count() AS held FROM ${table} WHERE ${positionCondition(range)}`);
    return rows[0]?.held ?? 0;
  };
  const before = await count();
  await write();
  return (await count()) - before;
}

function notIn(table: PositionedTable, range: OffsetRange): string {
  return `offset NOT IN (SELECT offset FROM ${table} WHERE ${positionCondition(range)})`;
}

/** The tables' rows of `range` in the shape of the lake's. */
function lakeRows(range: OffsetRange, condition: string): string {
  const fromEvents = new Set(['country', 'os', 'browser', 'device_type', 'channel', 'campaign_source', 'campaign_medium', 'campaign_name', 'referrer_host', 'page_path', 'app_version', 'locale']);
  const made: Record<string, string> = { key: "MD5(concat(project, '\\0', event_id))", content: 'known_content' };
  const columns = LAKE_COLUMNS.map(([column]) => {
    if (column in made) return `${made[column]} AS ${column}`;
    // What is LowCardinality in a table is plain text in the lake.
    return fromEvents.has(column) ? `toString(e_${column}) AS ${column}` : TEXTS.has(column) ? `toString(t_${column}) AS ${column}` : `t_${column} AS ${column}`;
  });
  const enriched = [...fromEvents].map((column) => `${column} AS e_${column}`).join(', ');
  const others = LAKE_COLUMNS.map(([column]) => column).filter((column) => !fromEvents.has(column) && !(column in made));
  const position = positionCondition(range);
  return `SELECT ${columns.join(', ')}, ${literal(range.epoch)} AS epoch, toUInt16(${range.partition}) AS partition, t_offset AS offset
    FROM (SELECT offset AS t_offset, project, event_id, ${others.map((column) => `${column} AS t_${column}`).join(', ')} FROM timeline WHERE ${position} AND ${condition}) AS t
    INNER JOIN (SELECT offset AS e_offset, ${enriched} FROM events WHERE ${position}) AS e ON e_offset = t_offset
    LEFT JOIN (SELECT offset AS i_offset, content AS known_content FROM event_ids WHERE ${position}) AS i ON i_offset = t_offset`;
}

const TEXTS = new Set(['project', 'event_name', 'type', 'source', 'schema_version']);
