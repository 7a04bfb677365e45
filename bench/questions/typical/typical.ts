import type { VisitsPlan } from '../store/visits.ts';
import type { Server } from '../../server/server.ts';
import type { Row } from '../hand-sql.ts';

/** A question as people ask it, and the best statement by hand that gives the same answer. */
export interface Typical {
  /** Path below /api/analytics. */
  path: string;
  /** Without range. */
  question: object;
  range: (plan: VisitsPlan) => { from: string; to: string };
  /** Its answers are never kept, so it takes no word about that. */
  isNeverKept?: boolean;
  /** What is waited for before it is asked. */
  before?: (server: Server) => Promise<void>;
  /** Times of `range` in epoch ms; `dataPath`: of the engine that it is run in. */
  sql: (of: { project: string; fromMs: number; toMs: number; dataPath: string }) => string;
  /** What of the statement's rows must equal `told` of the answer. */
  expected: (rows: readonly Row[]) => unknown;
  told: (answer: never) => unknown;
  /** The longest that any round may take, milliseconds; the measure fails beyond. */
  withinMs?: number;
  /** Cells of the answer whose people are listed page by page, and how many the answer says they are. */
  cells?: (answer: never) => readonly { name: string; cell: object; count: number }[];
  /** A statement that answers less, timed beside. */
  less?: { what: string; sql: Typical['sql'] };
}

const DAY_MS = 86_400_000;

/** All days of the store. */
export function wholeRange({ endMs, days }: VisitsPlan): { from: string; to: string } {
  return lastDays(days)({ endMs });
}

export function lastDays(days: number): (plan: Pick<VisitsPlan, 'endMs'>) => { from: string; to: string } {
  return ({ endMs }) => ({ from: new Date(endMs - days * DAY_MS).toISOString(), to: new Date(endMs).toISOString() });
}
