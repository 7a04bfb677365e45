import type { ChannelRule } from '../events/channels.ts';
import type { Naming } from '../identity/naming.ts';
import type { SqlQueries } from '../ports.ts';
import type { ProjectIdentity } from '../identity/project-identity.ts';
import type { TimeRange } from '../time/range.ts';
import type { Reached } from './reach.ts';
import type { RollupUse } from '../rollups/rollup-use.ts';

/** What a kind may use while it answers. */
export interface Asking {
  project: string;
  /** For `naming.join()`. */
  identity: ProjectIdentity;
  /** By hashes where people are only counted. */
  naming: Naming;
  range: TimeRange;
  /** When it was asked, epoch ms: what begins later is not over. */
  nowMs: number;
  /** To be told of event times (epoch ms) outside of the kind's own reach that the answer turns out to be made of. */
  reaches(span: Reached): void;
  rollups: RollupUse;
  /** The project's own channel rules. */
  channels(): Promise<readonly ChannelRule[]>;
  /** Runs one SELECT; it is shown in the answer's `meta.sql`. */
  query<Row>(sql: string): Promise<Row[]>;
  /** SELECT of `person_id`, the names of a saved cohort's people now, whole; it is shown as `query`'s are. Throws a QuestionError. */
  peopleOfCohort(name: string): Promise<string>;
  /** Runs a SELECT that somebody wrote; what was run is to be told by `ran`. */
  sql: SqlQueries | undefined;
  signal: AbortSignal | undefined;
  ran(sql: string, rowsRead: number): void;
}
