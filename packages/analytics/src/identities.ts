/** The identity of projects, read from the derived tables and the decisions, and read again only when one of these changed. */
import { joinedNodes, MAX_CLAIMED_DEVICES, nameOf, nodeOfKey, standingDecisions, type AliasLink, type Decision, type JoinedPerson, type NodeKey } from '@tidemark/identity';
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

interface Kept extends Reading {
  decisions: number;
  changes: IdentityChanges;
  /** Users with too many devices, and when and how long all claims were read for them. */
  hubs: { users: readonly string[]; claims: number; readAtMs: number; tookMs: number };
  linksReadAtMs: number;
  /** How long everything took that was read with the links. */
  tookMs: number;
}

/** An identity with what it was made of, so that the next one need not read all of it again. */
interface Reading {
  identity: ProjectIdentity;
  aliases: readonly AliasLink[];
  groups: NodeKey[][];
  /** Names, and the owners of merged devices, come of all events. */
  ofEvents: boolean;
  firstMs: Map<NodeKey, number>;
}

/** Whatever else may change the tables (a rebuild, a deletion) shows after this long, or fifty times as long as it takes to read them. */
const MAX_AGE_MS = 10_000;
const MAX_SHARE = 0.02;

export class WarehouseIdentities implements Identities {
  readonly #parts: WarehouseIdentitiesParts;
  readonly #kept = new Map<string, Kept>();

  constructor(parts: WarehouseIdentitiesParts) {
    this.#parts = parts;
  }

  async of(project: string): Promise<ProjectIdentity> {
    const { warehouse, decisionsOf, changes, monotonicMs = () => performance.now() } = this.#parts;
    // Before anything is read: what is written meanwhile is then looked at again.
    const seen = changes?.();
    const decisions = await decisionsOf(project);
    if (seen === undefined) return (await readIdentity(project, decisions, await readHubUsers(project, warehouse), warehouse)).identity;
    const nowMs = monotonicMs();
    const before = this.#kept.get(project);
    const hubsHold = before !== undefined && (seen.claims === before.hubs.claims || nowMs - before.hubs.readAtMs <= before.hubs.tookMs / MAX_SHARE);
    const hubs = hubsHold ? before.hubs : { users: await readHubUsers(project, warehouse), claims: seen.claims, readAtMs: nowMs, tookMs: monotonicMs() - nowMs };
    const linksHold = before !== undefined && seen.links === before.changes.links && nowMs - before.linksReadAtMs <= Math.max(MAX_AGE_MS, before.tookMs / MAX_SHARE);
    const decisionsHold = before?.decisions === decisions.length && String(hubs.users) === String(before.hubs.users);
    if (before !== undefined && linksHold && decisionsHold && (!before.ofEvents || seen.events === before.changes.events)) {
      before.hubs = hubs;
      return before.identity;
    }
    const known = linksHold ? { ...before, decisionsHold, fromOffset: before.changes.events } : undefined;
    const read = await readIdentity(project, decisions, hubs.users, warehouse, known);
    const when = linksHold ? { linksReadAtMs: before.linksReadAtMs, tookMs: before.tookMs } : { linksReadAtMs: nowMs, tookMs: monotonicMs() - nowMs };
    this.#kept.set(project, { ...read, decisions: decisions.length, changes: seen, hubs, ...when });
    return read.identity;
  }
}

/**
 * The identity with `decisions` as if they were all there are: also what a decision would change before it is made.
 * `known`: what was read while the links were the same, up to an offset of the log. Throws WarehouseError.
 */
export async function readIdentity(
  project: string,
  decisions: readonly Decision[],
  hubUsers: readonly string[],
  warehouse: Warehouse,
  known?: Reading & { decisionsHold: boolean; fromOffset: number },
): Promise<Reading> {
  const aliases = known?.aliases ?? (await warehouse.query<AliasLink>(`SELECT DISTINCT user, previous FROM identity_links WHERE project = ${literal(project)}`)).rows;
  const standing = [...standingDecisions(decisions).values()];
  const cutClaims = standing.filter(({ verdict }) => verdict === 'cut').flatMap(({ a, b }) => claimOf(a, b));
  const alone: ProjectIdentity = { ...plainIdentity(project), cutClaims, hubUsers };
  const merged = standing.filter(({ verdict }) => verdict === 'merge').flatMap(({ a, b }) => [a, b]);
  const devices = [...new Set(merged.filter((key) => nodeOfKey(key).kind === 'device').map((key) => key.slice(1)))];
  const owners = await readOwners(devices, alone, warehouse);
  const isSame = known?.decisionsHold === true && devices.length === 0;
  const groups = isSame ? known.groups : joinedNodes({ aliases, decisions, ownerOf: (device) => owners.get(device) });
  const firstMs = isSame ? await addFirstMs(project, groups, known, warehouse) : await readFirstMs(project, groups.flat(), warehouse);
  const persons: JoinedPerson[] = groups.map((nodes) => ({ name: nameOf(nodes, (node) => firstMs.get(node)), nodes }));
  const ofEvents = persons.length > 0 || devices.length > 0;
  // Nothing of it is to be written to the table anew.
  if (isSame && persons.every(({ name }, i) => name === known.identity.persons[i]?.name)) return { identity: known.identity, aliases, groups, ofEvents, firstMs };
  const identity: ProjectIdentity = { ...alone, persons };
  if (!fitsStatement(identity)) identity.table = { version: await writeOverrides(identity, warehouse) };
  return { identity, aliases, groups, ofEvents, firstMs };
}

/** What the events from an offset on change about when the nodes were first seen: some may be late. */
async function addFirstMs(project: string, groups: readonly NodeKey[][], known: { firstMs: Map<NodeKey, number>; fromOffset: number }, warehouse: Warehouse): Promise<Map<NodeKey, number>> {
  if (groups.length === 0) return known.firstMs;
  const joined = new Set(groups.flat());
  const firstMs = new Map(known.firstMs);
  const { rows } = await warehouse.query<{ node: string; first_ms: number }>(
    `SELECT if(user_id != '', concat('u', user_id), concat('a', anonymous_id)) AS node, toUnixTimestamp64Milli(min(time)) AS first_ms
FROM timeline WHERE project = ${literal(project)} AND offset >= ${known.fromOffset} GROUP BY node`,
  );
  for (const { node, first_ms } of rows) if (joined.has(node)) firstMs.set(node, Math.min(Number(first_ms), firstMs.get(node) ?? Infinity));
  return firstMs;
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
