/** What an answer hangs on that no asker decides: versions of what is stored. While these stay the same, so does the answer. */
import { createHash } from 'node:crypto';
import { sealedVersion, type Warehouse } from '@tidemark/warehouse';
import type { Freshness, Identities } from '../ports.ts';
import type { ProjectIdentity } from '../identity/project-identity.ts';

/** The versions before an answer is computed; whatever changes while it is computed then shows as a later one. */
export interface Stored {
  /** Of the events that it reads: sealed, clean, and not expiring (docs/decisions/011). */
  events: number;
  /** How often claims of users on devices were written. */
  claims: number;
  /** How often traits of persons and groups were written. */
  traits: number;
  /** Who aliases, merges, cuts and hubs make one person. */
  identity: string;
}

/** Numbers that grow when the tables derived of events are written to. */
export interface DerivedChanges {
  claims: number;
  traits: number;
}

/** A span of event time outside of which no event, and after which no time, has a part in an answer. */
export interface Span {
  fromMs: number;
  toMs: number;
}

/** Of which project, and where these versions stand. */
export interface StoredAt {
  project: string;
  warehouse: Warehouse;
  freshness: Freshness;
  identities?: Identities;
}

/** Undefined while the events of the span may change, which is cheap to tell for most. Throws WarehouseError. */
export async function readStored(span: Span | undefined, { project, warehouse, freshness, identities }: StoredAt, changes: DerivedChanges): Promise<Stored | undefined> {
  if (span === undefined || span.toMs > freshness.status().watermarkMs) return undefined;
  const { claims, traits } = changes;
  const events = await sealedVersion(warehouse, project, span);
  return events === undefined ? undefined : { events, claims, traits, identity: identityVersion(await identities?.of(project)) };
}

/** Whether an answer that ran the statements `sql` would be the same. What these don't read has no part in it. */
export function isSame(then: Stored, now: Stored | undefined, sql: string): boolean {
  if (now === undefined || then.events !== now.events || then.identity !== now.identity) return false;
  const isRead = (table: string): boolean => sql.includes(table);
  return (then.claims === now.claims || !isRead('identity_claims')) && (then.traits === now.traits || !isRead('trait_changes'));
}

/** An identity serves many questions, and may name 100,000 persons. */
const versions = new WeakMap<ProjectIdentity, string>();

function identityVersion(identity: ProjectIdentity | undefined): string {
  if (identity === undefined) return '';
  let version = versions.get(identity);
  if (version === undefined) {
    const { persons, cutClaims, hubUsers } = identity;
    version = createHash('sha256').update(JSON.stringify([persons, cutClaims, hubUsers])).digest('base64');
    versions.set(identity, version);
  }
  return version;
}
