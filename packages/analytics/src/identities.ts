/** The identity of projects, read from the derived tables and the decisions, and read again only when one of these changed. */
import { aliasHubs, joinedNodes, MAX_CLAIMED_DEVICES, nameOf, nodeOfKey, standingDecisions, type AliasLink, type Decision, type JoinedPerson, type NodeKey } from '@tidemark/identity';
import { literal, type Warehouse } from '@tidemark/warehouse';
import type { Identities } from './ask.ts';
import { claimsThatCount, fitsStatement, plainIdentity, type ProjectIdentity } from './project-identity.ts';
import { writeOverrides } from './overrides-table.ts';

/** Numbers that grow when something was written since; what they were at is kept with what was read. */
export interface IdentityChanges {
  claims: number;
  links: number;
  events: number;
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

interface Kept {
  identity: ProjectIdentity;
  decisions: number;
  changes: IdentityChanges;
  /** Names, and the owners of merged devices, come of all events. */
  ofEvents: boolean;
  hubsReadAtMs: number;
  hubsTookMs: number;
  readAtMs: number;
}

/** Whatever else may change the tables (a rebuild, a deletion) shows after this long. */
const MAX_AGE_MS = 10_000;
/** Looking for hubs reads all claims of a project; it may take this share of the time. */
const HUB_SHARE = 0.05;

export class WarehouseIdentities implements Identities {
  readonly #parts: WarehouseIdentitiesParts;
  readonly #kept = new Map<string, Kept>();

  constructor(parts: WarehouseIdentitiesParts) {
    this.#parts = parts;
  }

  async of(project: string): Promise<ProjectIdentity> {
    const { decisionsOf, changes, monotonicMs = () => performance.now() } = this.#parts;
    // Before anything is read: what is written meanwhile is then looked at again.
    const seen = changes?.();
    const decisions = await decisionsOf(project);
    const before = this.#kept.get(project);
    const nowMs = monotonicMs();
    if (before !== undefined && seen !== undefined && holds(before, seen, decisions.length, nowMs)) return before.identity;
    const hubsDue = before === undefined || seen === undefined || (seen.claims !== before.changes.claims && nowMs - before.hubsReadAtMs > before.hubsTookMs / HUB_SHARE);
    const hubUsers = hubsDue ? await readHubUsers(project, this.#parts.warehouse) : before.identity.hubUsers;
    const hubsTookMs = hubsDue ? monotonicMs() - nowMs : before.hubsTookMs;
    const { identity, ofEvents } = await readIdentity(project, decisions, hubUsers, this.#parts.warehouse);
    if (!fitsStatement(identity)) identity.table = { version: await writeOverrides(identity, this.#parts.warehouse) };
    const claims = hubsDue ? (seen?.claims ?? 0) : before.changes.claims;
    if (seen !== undefined) {
      this.#kept.set(project, { identity, decisions: decisions.length, changes: { ...seen, claims }, ofEvents, hubsReadAtMs: hubsDue ? nowMs : before.hubsReadAtMs, hubsTookMs, readAtMs: nowMs });
    }
    return identity;
  }
}

/** Decisions are only added, so their number tells whether there are new ones. */
function holds({ changes, decisions, ofEvents, hubsReadAtMs, hubsTookMs, readAtMs }: Kept, seen: IdentityChanges, made: number, nowMs: number): boolean {
  if (made !== decisions || seen.links !== changes.links || nowMs - readAtMs > MAX_AGE_MS) return false;
  if (ofEvents && seen.events !== changes.events) return false;
  return seen.claims === changes.claims || nowMs - hubsReadAtMs <= hubsTookMs / HUB_SHARE;
}

/** The identity with `decisions` as if they were all there are: also what a decision would change before it is made. Throws WarehouseError. */
export async function readIdentity(
  project: string,
  decisions: readonly Decision[],
  hubUsers: readonly string[],
  warehouse: Warehouse,
): Promise<{ identity: ProjectIdentity; ofEvents: boolean }> {
  const { rows: aliases } = await warehouse.query<AliasLink>(`SELECT DISTINCT user, previous FROM identity_links WHERE project = ${literal(project)}`);
  const standing = [...standingDecisions(decisions).values()];
  const cutClaims = standing.filter(({ verdict }) => verdict === 'cut').flatMap(({ a, b }) => claimOf(a, b));
  const alone: ProjectIdentity = { ...plainIdentity(project), cutClaims, hubUsers };
  const merged = standing.filter(({ verdict }) => verdict === 'merge').flatMap(({ a, b }) => [a, b]);
  const devices = [...new Set(merged.filter((key) => nodeOfKey(key).kind === 'device').map((key) => key.slice(1)))];
  const owners = await readOwners(devices, alone, warehouse);
  const groups = joinedNodes({ aliases, decisions, ownerOf: (device) => owners.get(device) });
  const firstMs = await readFirstMs(project, groups.flat(), warehouse);
  const persons: JoinedPerson[] = groups.map((nodes) => ({ name: nameOf(nodes, (node) => firstMs.get(node)), nodes }));
  return { identity: { ...alone, persons }, ofEvents: persons.length > 0 || devices.length > 0 };
}

/** Users that are hubs by their alias links. Throws WarehouseError. */
export async function readAliasHubs(project: string, warehouse: Warehouse): Promise<string[]> {
  const { rows } = await warehouse.query<AliasLink>(`SELECT DISTINCT user, previous FROM identity_links WHERE project = ${literal(project)}`);
  return [...aliasHubs(rows)].toSorted();
}

/** Users with claims on more devices than one may have. Rows are counted first: it takes no set of devices for each user. Throws WarehouseError. */
export async function readHubUsers(project: string, warehouse: Warehouse): Promise<string[]> {
  const inProject = `project = ${literal(project)}`;
  const { rows: all } = await warehouse.query<{ claims: number }>(`SELECT count() AS claims FROM identity_claims WHERE ${inProject}`);
  if (Number(all[0]?.claims ?? 0) <= MAX_CLAIMED_DEVICES) return [];
  const many = `SELECT user FROM identity_claims WHERE ${inProject} GROUP BY user HAVING count() > ${MAX_CLAIMED_DEVICES}`;
  const { rows } = await warehouse.query<{ user: string }>(
    `SELECT user FROM identity_claims WHERE ${inProject} AND user IN (${many}) GROUP BY user HAVING uniqExact(device) > ${MAX_CLAIMED_DEVICES} ORDER BY user`,
  );
  return rows.map(({ user }) => user);
}

function claimOf(a: NodeKey, b: NodeKey): (readonly [device: string, user: string])[] {
  const [device, user] = nodeOfKey(a).kind === 'device' ? [a, b] : [b, a];
  return nodeOfKey(device).kind === 'device' && nodeOfKey(user).kind === 'user' ? [[device.slice(1), user.slice(1)]] : [];
}

async function readOwners(devices: readonly string[], identity: ProjectIdentity, warehouse: Warehouse): Promise<Map<string, string>> {
  const owners = new Map<string, string>();
  for (const some of chunks(devices)) {
    const { rows } = await warehouse.query<{ device: string; owner: string }>(
      `SELECT device, argMin(user, first) AS owner FROM identity_claims WHERE ${claimsThatCount(identity)} AND device IN (${some}) GROUP BY device`,
    );
    for (const { device, owner } of rows) owners.set(device, owner);
  }
  return owners;
}

/** When each node was first seen: a user under its id, a device on its own. Epoch ms. */
async function readFirstMs(project: string, nodes: readonly NodeKey[], warehouse: Warehouse): Promise<Map<NodeKey, number>> {
  const first = new Map<NodeKey, number>();
  for (const [type, column, more] of [['u', 'user_id', ''], ['a', 'anonymous_id', " AND user_id = ''"]] as const) {
    for (const some of chunks(nodes.filter((node) => node.startsWith(type)).map((node) => node.slice(1)))) {
      const { rows } = await warehouse.query<{ id: string; first_ms: number }>(
        `SELECT ${column} AS id, toUnixTimestamp64Milli(min(time)) AS first_ms FROM timeline WHERE project = ${literal(project)} AND ${column} IN (${some})${more} GROUP BY id`,
      );
      for (const { id, first_ms } of rows) first.set(`${type}${id}`, Number(first_ms));
    }
  }
  return first;
}

/** Lists of literals that fit a statement (256 KB). */
function chunks(ids: readonly string[]): string[] {
  const lists: string[] = [];
  let list = '';
  for (const id of ids) {
    if (list.length > 100_000) {
      lists.push(list);
      list = '';
    }
    list += `${list === '' ? '' : ', '}${literal(id)}`;
  }
  return list === '' ? lists : [...lists, list];
}
