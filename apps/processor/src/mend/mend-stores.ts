import type { LogReader, Positions, Topic } from '@tidemark/log';
import { filesOf, replaceBroken, type BrokenLakeFile, type Lake, type LakeFile } from '@tidemark/lake';
import { positionCondition, type OffsetRange, type Warehouse } from '@tidemark/warehouse';
import { committedPosition } from '../start-position.ts';
import { firstIncompleteEvents, firstIncompleteQuarantine } from './audit.ts';
import { differing, digestOfFiles, digestOfTable } from './digest.ts';
import { anyOf, committedCondition, rangesOf, type Doubt } from './doubt.ts';
import { setBack, withdrawOutcomes } from './go-back.ts';
import { refillIds, refillLake, refillTables, rememberedSince, type Refilled, type RefillParts } from './refill.ts';

export interface MendParts {
  reader: LogReader;
  positions: Positions;
  warehouse: Warehouse;
  lake: Lake;
  temporaryFolder: string;
  /** Files of the lake that are not what the manifest says. */
  brokenFiles: readonly BrokenLakeFile[];
  doubt: Doubt;
  /** Epoch ms: ids of events that were received in weeks before it are not kept. */
  idsSinceMs: number;
}

export interface Mended {
  /** Rows that were given to each store. */
  refilled: Refilled;
  /** Offsets that topics were set back to: what lies behind is applied again. */
  setBack: Partial<Record<Topic, number>>;
  /** Rows that only one of the two tables holds, that nothing can be made of and that the log no longer has. */
  unmended: number;
}

/**
 * Puts back what was lost from some store with broken parts or files, of what was committed. First each store gets the rows
 * that another one still has; what then is not whole by the outcomes is applied again from the log. Nothing is decided
 * anew: a row that any store holds was kept, and a second try of a range ends as the first did (docs/decisions/008).
 * To be called before the processor is opened, with no other writer. Done twice, it is as if done once.
 */
export async function mendStores(parts: MendParts): Promise<Mended> {
  const refilled: Refilled = { events: 0, timeline: 0, event_ids: 0, lake: 0 };
  const committed = {
    events: (await committedPosition('events', parts)).offset,
    quarantine: (await committedPosition('quarantine', parts)).offset,
  };
  const unmended = await refill(parts, committed.events, refilled);
  return { refilled, setBack: await goBack(parts, committed), unmended };
}

async function refill(parts: MendParts, committed: number, refilled: Refilled): Promise<number> {
  const { reader, warehouse, lake, temporaryFolder, brokenFiles } = parts;
  const idsSinceMs = Math.min(parts.idsSinceMs, await oldestIdMs(warehouse));
  const broken = new Set(brokenFiles.map(({ file }) => file.path));
  const ofFiles = brokenFiles.flatMap(({ file }) => file.ranges);
  const whole = parts.doubt === 'everything';
  const ranges = parts.doubt === 'everything' ? [] : [...rangesOf(reader.epochs, 'events', parts.doubt.from.events, committed), ...ofFiles];
  const inDoubt = [committedCondition(reader.epochs, committed), ...(whole ? [] : [anyOf(ranges)])].join(' AND ');
  const refillParts: RefillParts = { reader, warehouse, lake, temporaryFolder, broken, idsSinceMs };
  const digests = async (): Promise<ReturnType<typeof differing>> => {
    const files = (whole ? [...lake.manifest.files] : ranges.flatMap((range) => filesOf(lake, range))).filter(({ path, rows }) => rows > 0 && !broken.has(path));
    const all = [
      await digestOfTable(warehouse, 'events', inDoubt),
      await digestOfTable(warehouse, 'timeline', inDoubt),
      await digestOfFiles(warehouse, lake, [...new Set(files)], inDoubt),
    ];
    return differing(all).flatMap((range) => committedPart(range, reader, committed));
  };
  const made: LakeFile[] = [];
  for (const range of await digests()) {
    await refillTables(refillParts, range, refilled);
    const file = await refillLake(refillParts, range, refilled);
    if (file !== undefined) made.push(file);
  }
  await replaceBroken(lake, brokenFiles, made);
  broken.clear();
  const ids = [
    await digestOfTable(warehouse, 'timeline', `${inDoubt} AND ${rememberedSince(idsSinceMs)}`),
    await digestOfTable(warehouse, 'event_ids', inDoubt),
  ];
  for (const range of differing(ids).flatMap((found) => committedPart(found, reader, committed))) await refillIds(refillParts, range, refilled);
  return oneSided(parts, inDoubt, await digests());
}

/** A clock that is ahead must not make ids look forgotten whose neighbours are still there. */
export async function oldestIdMs(warehouse: Warehouse): Promise<number> {
  const { rows } = await warehouse.query<{ ids: number; oldestMs: number }>(
    'SELECT count() AS ids, toInt64(toUnixTimestamp(min(received_at))) * 1000 AS oldestMs FROM event_ids',
  );
  return rows[0] === undefined || rows[0].ids === 0 ? Infinity : rows[0].oldestMs;
}

/** What of whole buckets is committed. */
function committedPart(range: OffsetRange, { epochs }: LogReader, committed: number): OffsetRange[] {
  const index = epochs.findIndex(({ name }) => name === range.epoch);
  const open = index >= 0 && committed < (epochs[index + 1]?.from.events ?? Infinity);
  const to = open ? Math.min(range.to, committed) : range.to;
  return range.from < to ? [{ ...range, to }] : [];
}

/** Rows of one table without their twin in the other, before what the log still has. */
async function oneSided({ warehouse, reader }: MendParts, inDoubt: string, ranges: readonly OffsetRange[]): Promise<number> {
  const readableFrom = reader.startOffset('events', 0);
  const names = new Set(reader.epochs.map(({ name }) => name));
  let rows = 0;
  for (const range of ranges) {
    const to = names.has(range.epoch) ? Math.min(range.to, readableFrom) : range.to;
    if (to <= range.from) continue;
    const within = positionCondition({ ...range, to });
    const answer = await warehouse.query<{ single: number }>(
      `SELECT countIf(held = 1) AS single FROM (SELECT offset, count() AS held FROM
         (SELECT offset FROM events WHERE ${within} AND ${inDoubt} UNION ALL SELECT offset FROM timeline WHERE ${within} AND ${inDoubt}) GROUP BY offset)`,
    );
    rows += answer.rows[0]?.single ?? 0;
  }
  return rows;
}

async function goBack({ reader, positions, warehouse, doubt }: MendParts, committed: Record<Topic, number>): Promise<Mended['setBack']> {
  const back: { events?: number | undefined; quarantine?: number | undefined } = {};
  const readable = (topic: Topic): number => reader.startOffset(topic, 0);
  const from = (topic: Topic): number => Math.max(readable(topic), doubt === 'everything' ? 0 : Math.min(doubt.from[topic], committed[topic]));
  let events: number | undefined;
  do {
    events = await firstIncompleteEvents(warehouse, reader.epochs, { from: from('events'), to: committed.events, readableFrom: readable('events') });
    if (events !== undefined || back.events !== undefined) await setBack('events', events ?? committed.events, reader, positions);
    back.events = events;
    // The log may have dropped old records until its writer saw that the position fell back.
  } while (events !== undefined && readable('events') > events);
  // Also what was counted behind the position: that range is not done, and a kill may have come while one was set back.
  await withdrawOutcomes(events ?? committed.events, reader, warehouse);
  const quarantine = await firstIncompleteQuarantine(warehouse, reader, from('quarantine'), committed.quarantine);
  if (quarantine !== undefined) {
    back.quarantine = quarantine;
    await setBack('quarantine', quarantine, reader, positions);
  }
  return Object.fromEntries(Object.entries(back).filter(([, offset]) => offset !== undefined));
}
