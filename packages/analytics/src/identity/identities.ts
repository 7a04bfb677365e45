/** The identity of projects, kept between questions and read again only when something changed. */
import type { Decision } from '@tidemark/identity';
import type { Warehouse } from '@tidemark/warehouse';
import type { Identities } from '../ports.ts';
import type { ProjectIdentity } from './project-identity.ts';
import { readHubUsers, readIdentity, type Reading } from './read-identity.ts';
import { ageOf, type ReadOnce } from './reading-age.ts';

/** Numbers that grow when something was written since; what they were at is kept with what was read. */
export interface IdentityChanges {
  claims: number;
  links: number;
  /** Offset in the log up to which its events are stored. */
  events: number;
  /** Names of the log's epochs: other logs' offsets say nothing. Absent: there is but this log. */
  epochs?: readonly string[];
}

export interface WarehouseIdentitiesParts {
  warehouse: Warehouse;
  /** Of a project, in the order they were made in. */
  decisionsOf(project: string): Promise<readonly Decision[]>;
  /** Absent: everything is read each time. */
  changes?: () => IdentityChanges;
  /** Milliseconds that only grow. */
  monotonicMs?: () => number;
}

interface Kept extends Reading {
  decisions: number;
  changes: IdentityChanges;
  /** Users with too many devices, as of so many claims. */
  hubs: { users: readonly string[]; claims: number; read: ReadOnce };
  /** Of everything, known or not. */
  allRead: ReadOnce;
  /** What is read again beside the questions. */
  reading: Set<'hubs' | 'all'>;
}

/** Whatever else may change the tables (a rebuild, a deletion) shows after this long at least. */
const LEAST_AGE_MS = 10_000;

/** Others remember what they know of an identity as long as it is the same object. Of one in the table nothing is written when it says the same. */
function isAlike(one: ProjectIdentity, other: ProjectIdentity): boolean {
  return one.table === undefined && other.table === undefined ? JSON.stringify(one) === JSON.stringify(other) : one.table === other.table;
}

export class WarehouseIdentities implements Identities {
  readonly #parts: WarehouseIdentitiesParts;
  readonly #kept = new Map<string, Kept>();

  constructor(parts: WarehouseIdentitiesParts) {
    this.#parts = parts;
  }

  async of(project: string): Promise<ProjectIdentity> {
    const { warehouse, decisionsOf, changes } = this.#parts;
    // Before anything is read: what is written meanwhile is then looked at again.
    const seen = changes?.();
    const decisions = await decisionsOf(project);
    if (seen === undefined) return (await readIdentity(project, decisions, await readHubUsers(project, warehouse), warehouse)).identity;
    const kept = this.#kept.get(project);
    const hubs = await this.#hubs(project, kept, seen.claims);
    const age = kept && ageOf(kept.allRead, this.#nowMs(), LEAST_AGE_MS);
    if (kept === undefined || age === 'too old') return this.#readAll(project, decisions, seen, hubs);
    if (age === 'due') this.#beside(kept, 'all', () => this.#readAll(project, decisions, seen, hubs));
    const linksHold = seen.links === kept.changes.links;
    const decisionsHold = kept.decisions === decisions.length && String(hubs.users) === String(kept.identity.hubUsers);
    if (linksHold && decisionsHold && (!kept.ofEvents || seen.events === kept.changes.events)) {
      kept.hubs = hubs;
      return kept.identity;
    }
    const read = await readIdentity(project, decisions, hubs.users, warehouse, { ...kept, linksHold, decisionsHold, from: { offset: kept.changes.events, epochs: seen.epochs } });
    this.#kept.set(project, { ...kept, ...read, decisions: decisions.length, changes: seen, hubs });
    return read.identity;
  }

  /** As it would be with `decisions` as if they were all there are. Throws WarehouseError. */
  async with(project: string, decisions: readonly Decision[]): Promise<ProjectIdentity> {
    const now = await this.of(project);
    const kept = this.#kept.get(project);
    const known = kept && { ...kept, linksHold: true, decisionsHold: false, from: { offset: kept.changes.events, epochs: this.#parts.changes?.().epochs } };
    return (await readIdentity(project, decisions, now.hubUsers, this.#parts.warehouse, known)).identity;
  }

  async #hubs(project: string, kept: Kept | undefined, claims: number): Promise<Kept['hubs']> {
    const read = async (): Promise<Kept['hubs']> => {
      const atMs = this.#nowMs();
      const users = await readHubUsers(project, this.#parts.warehouse);
      return { users, claims, read: { atMs, tookMs: this.#nowMs() - atMs } };
    };
    if (kept === undefined) return read();
    const { hubs } = kept;
    const age = claims === hubs.claims ? 'good' : ageOf(hubs.read, this.#nowMs());
    if (age === 'too old') return read();
    if (age === 'due') this.#beside(kept, 'hubs', async () => this.#note(project, await read()));
    return hubs;
  }

  /** The next question finds them other than those that the identity was made with. */
  #note(project: string, hubs: Kept['hubs']): void {
    const kept = this.#kept.get(project);
    if (kept !== undefined) this.#kept.set(project, { ...kept, hubs });
  }

  async #readAll(project: string, decisions: readonly Decision[], changes: IdentityChanges, hubs: Kept['hubs']): Promise<ProjectIdentity> {
    const atMs = this.#nowMs();
    const before = this.#kept.get(project)?.identity;
    const read = await readIdentity(project, decisions, hubs.users, this.#parts.warehouse, undefined, before);
    const allRead = { atMs, tookMs: this.#nowMs() - atMs };
    const identity = before !== undefined && isAlike(read.identity, before) ? before : read.identity;
    this.#kept.set(project, { ...read, identity, decisions: decisions.length, changes, hubs, allRead, reading: new Set() });
    return identity;
  }

  /** One at a time. When it fails, what was known stays, until it is too old: then the question that waits is told. */
  #beside({ reading }: Kept, what: 'hubs' | 'all', read: () => Promise<unknown>): void {
    if (reading.has(what)) return;
    reading.add(what);
    read().catch(() => {}).finally(() => reading.delete(what));
  }

  #nowMs(): number {
    return this.#parts.monotonicMs?.() ?? performance.now();
  }
}
