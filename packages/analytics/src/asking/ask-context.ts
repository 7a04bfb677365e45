import type { Warehouse } from '@tidemark/warehouse';
import type { Caching } from '../cache/caching.ts';
import type { ChannelRule } from '../events/channels.ts';
import type { CohortLookup } from '../cohorts/saved-cohorts.ts';
import type { Freshness, Identities, SqlQueries } from '../ports.ts';

/** Who asks, and of what. */
export interface AskContext {
  project: string;
  warehouse: Warehouse;
  /** Now, in epoch ms. */
  clock: () => number;
  freshness: Freshness;
  /** Aliases and decisions about identity; absent = there are none. */
  identities?: Identities;
  /** A project's own channel rules; absent = there are none. */
  channels?: (project: string) => Promise<readonly ChannelRule[]>;
  /** Finds saved cohorts; absent = there are none. */
  cohort?: CohortLookup;
  /** What each statement of a question may take; absent = the warehouse's own. */
  maxMemoryBytes?: number;
  /** What all of them together may take. */
  timeoutMs?: number;
  /** Runs queries of kind sql; absent = nothing does. */
  sql?: SqlQueries;
  /** Aborted when nobody waits for the answer any more. */
  signal?: AbortSignal;
  /** Where answers are kept for who asks the same; absent = each is computed. */
  caching?: Caching;
}
