/** The log and the positions are looked at before anything is read from or written to them: LMDB trusts its files. */
import { renameSync } from 'node:fs';
import { checkLog, checkLogBeingWritten, checkPositions, missingInFront, type LogCheck, type Topic } from '@tidemark/log';
import type { DataFolders } from '../data-folder.ts';
import { StartProblem } from '../start-problem.ts';

type LogFolders = Pick<DataFolders, 'log' | 'positions'>;

const TOPICS: readonly Topic[] = ['events', 'quarantine'];

/**
 * To be called before the log is opened; `beingWritten` when its writer may have it open already. Checksums are looked
 * at where a record may not be in the stores yet.
 * @throws StartProblem `log_damaged` or `log_format_unknown`
 */
export function refuseDamagedLog({ log, positions }: LogFolders, beingWritten = false): void {
  const known = checkPositions(positions).positions;
  const look = beingWritten ? checkLogBeingWritten : checkLog;
  const from = Object.fromEntries(TOPICS.map((topic) => [topic, known[topic]?.offset ?? 0]));
  let check = look(log, { from });
  // Positions in another log, or before a fall back: nothing is known to be in the stores.
  if (check?.faults.length === 0 && TOPICS.some((topic) => known[topic]?.epoch !== check?.epoch)) check = look(log);
  if (check === undefined) return;
  const faults = check.faults.length > 0 ? check.faults : TOPICS.flatMap((topic) => missingInFront(topic, known[topic], check) ?? []);
  const [first] = faults;
  if (first === undefined) return;
  if (check.newer) {
    throw new StartProblem(
      'log_format_unknown',
      `The log ${log} holds records that were written by a newer Tidemark.`,
      'run that version again; this one can not read them, and will not pass over them.',
    );
  }
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : '';
  throw new StartProblem(
    'log_damaged',
    `The log ${log} is damaged: ${first}${more}. ${readableOf(check)}`,
    'put back a backup; or move the folder away and start: a new log is begun, and of what was acknowledged only that is lost which is not in the stores yet.',
  );
}

/** What can still be read, in words. */
export function readableOf({ topics }: LogCheck): string {
  const words = TOPICS.map((topic) => {
    const runs = topics[topic].readable.map(([start, end]) => `${start}-${end - 1}`);
    const shown = runs.length > 3 ? [...runs.slice(0, 3), `${runs.length - 3} more runs`] : runs;
    return `${topic} ${shown.join(', ') || 'none'}`;
  });
  return `Offsets that can be read: ${words.join('; ')}.`;
}

/**
 * Positions are only a note of what the stores know: a damaged file is put aside, and they are found again there.
 * To be called by their one writer, before it opens them.
 * @returns a sentence for the operator, if there was something to do
 */
export function setDamagedPositionsAside(positions: string, nowMs: number): string | undefined {
  const [fault] = checkPositions(positions).faults;
  if (fault === undefined) return undefined;
  const aside = `${positions}.damaged-${nowMs}`;
  renameSync(positions, aside);
  return `The positions in ${positions} are damaged (${fault}): they are found again in the stores. The folder is kept as ${aside}.`;
}
