import type { Caching, IdentitiesToChange, StaticCohorts } from '@tidemark/analytics';
import type { Control, HeldBack, KeyDirectory } from '@tidemark/control';
import type { LogReader } from '@tidemark/log';
import type { Metrics } from '@tidemark/metrics';
import type { Admission, RequestFacts } from '@tidemark/pipeline';
import type { ProcessorView, ReplayReport, ReplayRequest } from '@tidemark/processor';
import type { AdhocQueries, Warehouse } from '@tidemark/warehouse';
import type { FastifyBaseLogger } from 'fastify';
import type { RebuildPort } from './rebuild/port.ts';

/** What the API is made of. It owns none of these: whoever opened them closes them, after the API. */
export interface ApiDeps {
  warehouse: Warehouse;
  control: Control;
  /** Knows write keys, for `POST /api/events/check` by a client that has no API token. */
  keys: KeyDirectory;
  processor: ProcessorView;
  log: LogReader;
  /** Aliases and decisions about who is who; absent = there are none. */
  identities?: IdentitiesToChange;
  /** Keeps answers for who asks the same; absent = each is computed. */
  caching?: Caching;
  /** The same admission as the collector's, for `POST /api/events/check`. */
  admission: { admit(value: unknown, facts: RequestFacts): Admission };
  metrics: Metrics;
  /** Epoch milliseconds. */
  clock: () => number;
  version: string;
  /** Folder of each store, for its size on disk: `{ log: '…/log', warehouse: '…' }`. */
  folders: Readonly<Record<string, string>>;
  /** Keeps the people of static cohorts. */
  cohorts: StaticCohorts;
  /** What runs beside questions; absent = nothing does. */
  jobs?: JobPort;
  /** Told when a question met a damaged part: the next start has to look at all of them. */
  onStoreDamage?: () => void;
  /** Snapshots of the stores; absent = none can be made. */
  backups?: BackupPort;
  /** Tables made again from the lake; absent = none can be. */
  rebuilds?: RebuildPort;
  /** Lets quarantined events in again; absent = nothing does. */
  replays?: ReplayPort;
  /** Parts that keep the processor from going on; absent = none do. */
  failing?: () => FailingPart[];
  /** How much room a store's disk has, and how much it must have; absent = that is not looked at. */
  room?: { freeBytes: (folder: string) => Promise<number>; reserveBytes: number };
  /** Runs SQL that people write; absent = nothing does. */
  sql?: Pick<AdhocQueries, 'ask' | 'estimate' | 'file' | 'cancel'>;
  limits?: Partial<ApiLimits>;
  logger?: FastifyBaseLogger;
}

/** Judges quarantined events again. Throws errors with the codes `replay_running` and `replay_unavailable`. */
interface ReplayPort {
  replay(request: ReplayRequest): Promise<ReplayReport>;
}

/** A part that fails again and again. */
interface FailingPart {
  part: string;
  sinceMs: number;
  /** May quote what events hold. */
  error: string;
}

/** The engine's jobs. */
export interface JobPort {
  list(): Promise<JobView[]>;
  /** Runs one of them now; resolves at its end. `elsewhere`: another engine is at it, and it was not run here. */
  run(name: string): Promise<'ended' | 'elsewhere' | 'stopped'>;
}

/** A job of the engine and its last round; undefined where there was none yet. */
export interface JobView {
  name: string;
  everyMs: number;
  running: boolean;
  lastRunMs: number | undefined;
  lastDurationMs: number | undefined;
  lastRows: number | undefined;
  lastResult: string | undefined;
  lastError: string | undefined;
  lastErrorCode: string | undefined;
  nextRunMs: number | undefined;
  lease: { holder: string; untilMs: number } | undefined;
  heldBack: readonly HeldBack[];
}

/** Makes snapshots of the stores in the data folder. */
interface BackupPort {
  /** Undefined while another is being made. */
  take(): Promise<{ id: string; takenAtMs: number; heldMs: number } | undefined>;
  /** False when there is none of this name. */
  remove(id: string): Promise<boolean>;
}

/** Bounds on what one caller may cost the rest. */
export interface ApiLimits {
  /** Memory of one question in the warehouse. */
  questionMemoryBytes: number;
  /** Time of one question in the warehouse. */
  questionTimeoutMs: number;
  /** Readers of the live stream at once. */
  liveReaders: number;
  /** Bytes that a reader of the live stream may be behind before it is dropped. */
  liveBufferBytes: number;
  /** Exports that run at once; each holds a connection to the warehouse. */
  exports: number;
}

export const DEFAULT_LIMITS: ApiLimits = {
  questionMemoryBytes: 1 << 30,
  questionTimeoutMs: 60_000,
  liveReaders: 100,
  liveBufferBytes: 1 << 20,
  exports: 2,
};
