/**
 * What must be there, counted outside the server: a speed whose count is off is no speed. Each function throws; the
 * sentences of `differences` are kept pure so that a test can show that a wrong count is told.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Balance } from '../server/api.ts';
import type { Server } from '../server/server.ts';
import { lakeRows } from './lake-rows.ts';

/** Sums over everything that a server was sent. */
export class Ledger {
  accepted = 0;
  repeats = 0;
  /** Ids that were in the dedup store before the first event came. */
  readonly seededIds: number;

  constructor(seededIds = 0) {
    this.seededIds = seededIds;
  }

  add({ accepted, acceptedRepeats }: { accepted: number; acceptedRepeats: number }): void {
    this.accepted += accepted;
    this.repeats += acceptedRepeats;
  }

  /** Events that are to be stored, each once. */
  get unique(): number {
    return this.accepted - this.repeats;
  }
}

export interface Counts {
  /** By a question through the API. */
  queryable: number;
  balance: Balance;
  /** Rows by table, and of the lake's files. */
  events: number;
  timeline: number;
  ids: number;
  lake: number;
}

/** Every way in which the counts differ from the ledger, in words; none when all is well. */
export function differences(ledger: Ledger, seen: Counts): string[] {
  const { balance } = seen;
  const expected: readonly (readonly [what: string, is: number, shouldBe: number])[] = [
    ['events counted by a question', seen.queryable, ledger.unique],
    ['balance.received', balance.received, ledger.accepted],
    ['balance.stored', balance.stored, ledger.unique],
    ['balance.duplicate', balance.duplicate, ledger.repeats],
    ['balance.pending', balance.pending, 0],
    ['balance.difference', balance.difference, 0],
    ['rows of the table events', seen.events, ledger.unique],
    ['rows of the table timeline', seen.timeline, ledger.unique],
    ['rows of the table event_ids', seen.ids, ledger.seededIds + ledger.unique],
    ['rows of the lake', seen.lake, ledger.unique],
  ];
  return expected.filter(([, is, shouldBe]) => is !== shouldBe).map(([what, is, shouldBe]) => `${what}: ${is}, should be ${shouldBe}`);
}

const POLL_MS = 50;

/**
 * Waits until a question counts exactly what is owed, and resolves to when (epoch ms). Throws when more is counted (an
 * event was doubled), or when everything is processed and less is (one was lost).
 */
export async function allQueryable({ api }: Server, ledger: Ledger, withinMs = 300_000): Promise<number> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    if ((await api.lag()) === 0) {
      const counted = await api.countEvents();
      if (counted !== ledger.unique) throw new WrongCount([`events counted by a question: ${counted}, should be ${ledger.unique}`]);
      return Date.now();
    }
    if (Date.now() > deadline) throw new Error(`not everything was processed within ${withinMs / 1000} s; ${(await api.lag()) ?? 'the engine is away, so unknown'} events wait`);
    await delay(POLL_MS);
  }
}

/** Holds every store against the ledger; to be called when all is queryable. Not part of any time measured. */
export async function checkStores(server: Server, ledger: Ledger): Promise<void> {
  const { balance, disk } = await server.api.pipeline();
  const rowsOf = (table: string): number => disk.tables.find((each) => each.table === table)?.rows ?? 0;
  const found = differences(ledger, {
    queryable: await server.api.countEvents(),
    balance,
    events: rowsOf('events'),
    timeline: rowsOf('timeline'),
    ids: rowsOf('event_ids'),
    lake: lakeRows(server.dataPath),
  });
  if (found.length > 0) throw new WrongCount(found);
}

export class WrongCount extends Error {
  constructor(found: readonly string[]) {
    super(`WRONG COUNT\n  ${found.join('\n  ')}`);
    this.name = 'WrongCount';
  }
}
