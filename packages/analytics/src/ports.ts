/** What an asking takes from who runs it. */
import type { Decision } from '@tidemark/identity';
import type { AdhocQueries } from '@tidemark/warehouse';
import type { ProjectIdentity } from './identity/project-identity.ts';

/** How far the stores have come; a running processor tells (times in epoch ms). */
export interface Freshness {
  status(): { asOfMs: number; watermarkMs: number };
  /** True once all that was durable at the call is in the stores, false after `timeoutMs`. */
  caughtUp(timeoutMs: number): Promise<boolean>;
}

/** What aliases and people's decisions say about who is who. */
export interface Identities {
  /** As of what is stored and decided at the call. Throws WarehouseError. */
  of(project: string): Promise<ProjectIdentity>;
}

/** The same where people's decisions are made. */
export interface IdentitiesToChange extends Identities {
  /** As it would be with `decisions` as if they were all there are. Throws WarehouseError. */
  with(project: string, decisions: readonly Decision[]): Promise<ProjectIdentity>;
}

/** What runs the SELECTs that people write. */
export type SqlQueries = Pick<AdhocQueries, 'ask' | 'estimate' | 'file'>;
