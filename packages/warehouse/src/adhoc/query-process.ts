/**
 * The process of one query: it starts its engine, takes an order, judges the query in the engine that holds nothing, is handed the
 * project's files, runs the query over them, and ends. It knows no other folder, and whoever wants it to stop kills it.
 */
import { mkdtempSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { AdhocOrder, AdhocStart, FromQuery } from './order.ts';
import { QueryEngine } from './query-engine.ts';
import { Query, refusalOf } from './query.ts';
import { rehearse } from './rehearse.ts';

/** The descriptor that it reports on. */
const REPORTS = 3;
/** Behind everybody who waits for an answer of the engine's own. */
const NICENESS = 10;

/** Never returns: the process ends with the query. */
export async function runQueryProcess(): Promise<never> {
  setPriority(NICENESS);
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => {
    const { value, done } = await lines.next();
    // Nobody is left who could want an answer.
    if (done === true) process.exit(0);
    return value;
  };
  const { memoryBytes, rehearsal } = JSON.parse(await next()) as AdhocStart;
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-sql-'));
  const engine = await QueryEngine.open(folder, memoryBytes);
  if (rehearsal !== undefined) await rehearse(engine, rehearsal, memoryBytes, join(folder, 'rehearsal'));
  report({ type: 'ready', anonymousBytes: anonymousBytes() });
  const order = JSON.parse(await next()) as AdhocOrder;
  try {
    const query = new Query(order, engine);
    const { reads, estimatedRows } = await query.judge();
    report({ type: 'judged', views: [...reads.views], persons: reads.persons, ...(estimatedRows !== undefined && { estimatedRows }) });
    // While the files are handed over.
    await query.prepare(reads);
    await next();
    // The engine that gave the order is gone, and with it who would kill this process.
    void next();
    report(await query.run(reads));
  } catch (error) {
    const { code, message, value } = refusalOf(error, order);
    report({ type: 'refused', code, detail: message, ...(value !== undefined && { value }) });
  }
  rmSync(folder, { recursive: true, force: true });
  process.exit(0);
}

function report(message: FromQuery): void {
  const bytes = Buffer.from(`${JSON.stringify(message)}\n`);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(REPORTS, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
}

/** Linux tells it; elsewhere all that is resident. */
function anonymousBytes(): number {
  try {
    const [, kilobytes] = /^RssAnon:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
    if (kilobytes !== undefined) return Number(kilobytes) * 1024;
  } catch {
    // No such file system.
  }
  return process.memoryUsage.rss();
}
