/** What was found and done about broken stores at a start, in sentences, and in metrics. */
import type { Metrics } from '@tidemark/metrics';
import type { Recovered } from '@tidemark/processor';

/** A start may read for minutes; so often it says how far it is. */
const SAY_EVERY_MS = 5_000;

/** Says how far the reading of parts has come, when it takes long. */
export function verifyingProgress(tell: (sentence: string) => void, nowMs: () => number): (checkedBytes: number, allBytes: number) => void {
  let saidAtMs = nowMs();
  return (checkedBytes, allBytes) => {
    if (nowMs() - saidAtMs < SAY_EVERY_MS) return;
    saidAtMs = nowMs();
    tell(`The stores were not stopped cleanly; ${megabytes(checkedBytes)} of ${megabytes(allBytes)} MB of their newest parts are verified …`);
  };
}

export function reportDefinitions(tables: readonly string[], tell: (sentence: string) => void): void {
  if (tables.length > 0) tell(`Damaged and put back as the last checkpoint has them: the definitions of ${tables.join(', ')}.`);
}

export function reportRecovery({ verified, brokenFiles, mended, madeAgain }: Recovered, metrics: Metrics, tell: (sentence: string) => void): void {
  for (const table of new Set(verified.broken.map(({ table }) => table))) {
    const parts = verified.broken.filter((part) => part.table === table);
    metrics.counter('tidemark_parts_broken_total', { store: table }).inc(parts.length);
    const { part, reason } = parts[0]!;
    tell(`${count(parts.length, 'part')} of the table ${table} ${parts.length === 1 ? 'was' : 'were'} broken and set aside, like ${part} (${reason.replace(/\.$/, '')}).`);
  }
  if (verified.vanished.length > 0) {
    const tables = [...new Set(verified.vanished.map(({ table }) => table))].join(', ');
    tell(`${count(verified.vanished.length, 'part')} that the last checkpoint names ${verified.vanished.length === 1 ? 'is' : 'are'} gone from ${tables}.`);
  }
  if (brokenFiles.length > 0) {
    metrics.counter('tidemark_parts_broken_total', { store: 'lake' }).inc(brokenFiles.length);
    const [{ file, reason }] = brokenFiles as [(typeof brokenFiles)[number]];
    tell(`${count(brokenFiles.length, 'file')} of the lake ${brokenFiles.length === 1 ? 'was' : 'were'} broken, like ${file.path}: ${reason.replace(/\.$/, '')}.`);
  }
  if (madeAgain.length > 0) tell(`Made again from the events: ${madeAgain.join(', ')}.`);
  if (mended === undefined) return;
  const given = Object.entries(mended.refilled).filter(([, rows]) => rows > 0);
  for (const [store, rows] of given) metrics.counter('tidemark_mended_rows_total', { store }).inc(rows);
  if (given.length > 0) tell(`Put back from the other stores: ${given.map(([store, rows]) => `${rows} rows of ${store}`).join(', ')}.`);
  for (const [topic, offset] of Object.entries(mended.setBack)) tell(`The log's ${topic} are applied again from offset ${offset} on; nothing is stored twice.`);
  if (mended.unmended > 0) {
    tell(
      `${count(mended.unmended, 'event')} could not be put back into every store: the log no longer has them. ` +
        'Retention or the deletion of a project may have been at work on them; else restore a backup.',
    );
  }
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}
