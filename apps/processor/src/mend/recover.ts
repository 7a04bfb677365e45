import { verifyLake, type BrokenLakeFile, type Lake } from '@tidemark/lake';
import { continueFrom, type LogReader, type Positions, type Topic } from '@tidemark/log';
import { DERIVED_TABLES, insertDerived, SETTLE_MS, verifyParts, WarehouseError, type DerivedTable, type Checkpoint, type Verification, type Warehouse } from '@tidemark/warehouse';
import type { Doubt } from './doubt.ts';
import { mendStores, type Mended } from './mend-stores.ts';

export interface RecoverParts {
  /** As it was found at the start; undefined when there was none. */
  checkpoint: Checkpoint | undefined;
  /** What `verifyParts` with it has found. */
  verified: Verification;
  reader: LogReader;
  positions: Positions;
  warehouse: Warehouse;
  lake: Lake;
  /** For files that the engine reads in passing. */
  temporaryFolder: string;
  /** Epoch ms: ids of events that were received in weeks before it are not kept. */
  idsSinceMs: number;
}

export interface Recovered {
  verified: Verification;
  brokenFiles: readonly BrokenLakeFile[];
  /** undefined when nothing was in doubt. */
  mended: Mended | undefined;
  /** Tables made of events that were made again over what is left of them. */
  madeAgain: readonly DerivedTable[];
}

/**
 * After an unclean stop: looks at the lake as `verifyParts` has looked at the tables, and puts back what is missing.
 * After a clean one that is done only when a part or file is gone all the same.
 * To be called before the processor is opened, with no other writer.
 */
export async function recover(parts: RecoverParts): Promise<Recovered> {
  try {
    return await attempt(parts);
  } catch (error) {
    if (!(error instanceof WarehouseError)) throw error;
    // What the checkpoint vouched for can't be read: then it is as good as none.
    const checkpoint = parts.checkpoint && { ...parts.checkpoint, clean: false, writtenAtMs: 0 };
    const again = await verifyParts(parts.warehouse, checkpoint);
    const broken = [...parts.verified.broken, ...again.broken.filter((part) => !isAmong(parts.verified.broken, part))];
    const verified = { ...again, broken, vanished: parts.verified.vanished };
    return attempt({ ...parts, checkpoint, verified });
  }
}

async function attempt(parts: RecoverParts): Promise<Recovered> {
  const { checkpoint, reader, positions, warehouse, lake, temporaryFolder, idsSinceMs } = parts;
  const verified = { ...parts.verified, vanished: parts.verified.vanished.filter((part) => !isForgotten(part, idsSinceMs)) };
  const clean = checkpoint?.clean === true;
  const suspectSinceMs = checkpoint === undefined ? 0 : clean ? Infinity : checkpoint.writtenAtMs - SETTLE_MS;
  const brokenFiles = await verifyLake(lake, warehouse, suspectSinceMs);
  // What is made of events puts no event in doubt.
  const vanished = verified.vanished.filter((part) => !isDerived(part));
  const broken = verified.broken.filter((part) => !isDerived(part));
  const damaged = vanished.length + broken.length + brokenFiles.length > 0;
  const doubt = doubtOf(checkpoint, vanished.length > 0, reader);
  const mended = clean && !damaged ? undefined : await mendStores({ reader, positions, warehouse, lake, temporaryFolder, brokenFiles, doubt, idsSinceMs });
  const isLost = verified.vanished.length > vanished.length || verified.broken.length > broken.length || (mended?.refilled.events ?? 0) > 0;
  return { verified, brokenFiles, mended, madeAgain: isLost ? await insertDerived(warehouse, 'events') : [] };
}

/** What was written since the checkpoint; everything when parts of before it are gone, or it was of another log. */
function doubtOf(checkpoint: Checkpoint | undefined, hasVanished: boolean, { epochs }: LogReader): Doubt {
  if (checkpoint === undefined || hasVanished || checkpoint.writtenAtMs === 0) return 'everything';
  const from = (topic: Topic): number | undefined => {
    const committed = checkpoint.committed[topic];
    return committed === undefined ? 0 : continueFrom(epochs, topic, { ...committed, metadata: '' });
  };
  const [events, quarantine] = [from('events'), from('quarantine')];
  return events === undefined || quarantine === undefined ? 'everything' : { from: { events, quarantine } };
}

/** Ids are forgotten by whole partitions, which are weeks and have the names of their Mondays: `20260112`. */
function isForgotten({ table, part }: { table: string; part: string }, idsSinceMs: number): boolean {
  return table === 'event_ids' && part.slice(0, 8) < new Date(idsSinceMs).toISOString().slice(0, 10).replaceAll('-', '');
}

function isDerived({ table }: { table: string }): boolean {
  return (DERIVED_TABLES as readonly string[]).includes(table);
}

function isAmong(parts: Verification['broken'], { table, part }: Verification['broken'][number]): boolean {
  return parts.some((other) => other.table === table && other.part === part);
}
