/**
 * A last look before a deletion for good: a wrong setting, or a fault of ours, mostly shows in how much would go. What is
 * too much is held back and told (`GET /api/jobs`) until somebody confirms it; the confirmation is of the setting that
 * led to it, so that nobody is asked again each round, and a first honest retention over years of events needs one word.
 */
import type { HeldBack, JobRecords } from '@tidemark/control';

/** Fewer rows are never held back: a project that was only tried out may lose most of them. */
const FEW_ROWS = 1_000;

export type Confirmations = Pick<JobRecords, 'isConfirmed'>;

export interface Deletion {
  job: string;
  /** '' = not of one project. */
  project: string;
  /** What leads to it, such as `retentionDays=30`. */
  setting: string;
  /** How many rows would go. */
  rows: number;
  /** Counts the rows that there are; asked only when `rows` is no small number. */
  countAll: () => Promise<number>;
}

/** What is to be held back: more than half of the rows, and more than 1,000, unless it was confirmed; undefined = go on. */
export async function heldBack({ job, project, setting, rows, countAll }: Deletion, confirmations: Confirmations): Promise<HeldBack | undefined> {
  if (rows <= FEW_ROWS) return undefined;
  const ofRows = await countAll();
  if (rows * 2 <= ofRows || (await confirmations.isConfirmed({ job, project, setting }))) return undefined;
  return { project, setting, rows, ofRows };
}

/** Told in the API and the journal of a round that held something back. */
export function heldBackWords(job: string, all: readonly HeldBack[]): string {
  const each = all.map(({ project, setting, rows, ofRows }) => `${rows} of ${ofRows}${project === '' ? '' : ` of project ${project}`} (${setting})`);
  return `It would delete ${each.join(', ')}, more than half. If that is meant, confirm it: POST /api/jobs/${job}/run {"confirm":true}. If not, correct the setting.`;
}
