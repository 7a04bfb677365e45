/** Who is who in a project, read from the derived tables, the decisions and the first events of those that are joined. */
import { joinedNodes, MAX_CLAIMED_DEVICES, nameOf, nodeOfKey, standingDecisions, type AliasLink, type Decision, type JoinedPerson, type NodeKey } from '@tidemark/identity';
import { literal, timeLiteral, writesSeen, writtenSince, type Warehouse, type WritesSeen } from '@tidemark/warehouse';
import { writeOverrides } from './overrides-table.ts';
import { claimsThatCount, fitsStatement, plainIdentity, type ProjectIdentity } from './project-identity.ts';

/** An identity with what it was made of, so that the next one need not read all of it again. */
export interface Reading {
  identity: ProjectIdentity;
  aliases: readonly AliasLink[];
  /** Of the devices that somebody merged: the users they belong to. */
  owners: ReadonlyMap<string, string>;
  groups: NodeKey[][];
  /** Names, and the owners of merged devices, come of all events. */
  ofEvents: boolean;
  firstMs: Map<NodeKey, number>;
  /** What `firstMs` was read of: it holds all writes up to here. Undefined where nobody was looked for. */
  seen: WritesSeen | undefined;
}

/** What was read of a project before. */
export interface Known extends Reading {
  /** Nothing was aliased since. */
  linksHold: boolean;
  /** Nothing was decided since, and the same users are hubs. */
  decisionsHold: boolean;
  /** All events before it were seen. */
  from: { offset: number; epochs: readonly string[] | undefined };
}

/**
 * The identity with `decisions` as if they were all there are: also what a decision would change before it is made.
 * `known` spares what has not changed since; `before`: the identity that its rows are the changes of. Throws WarehouseError.
 */
export async function readIdentity(project: string, decisions: readonly Decision[], hubUsers: readonly string[], warehouse: Warehouse, known?: Known, before = known?.identity): Promise<Reading> {
  const aliases = known?.linksHold === true ? known.aliases : (await warehouse.query<AliasLink>(`SELECT DISTINCT user, previous FROM identity_links WHERE project = ${literal(project)} ORDER BY user, previous`)).rows;
  const standing = [...standingDecisions(decisions).values()];
  const cutClaims = standing.filter(({ verdict }) => verdict === 'cut').flatMap(({ a, b }) => claimOf(a, b));
  const alone: ProjectIdentity = { ...plainIdentity(project), cutClaims, hubUsers };
  const merged = standing.filter(({ verdict }) => verdict === 'merge').flatMap(({ a, b }) => [a, b]);
  const devices = [...new Set(merged.filter((key) => nodeOfKey(key).kind === 'device').map((key) => key.slice(1)))];
  const owners = await readOwners(devices, alone, warehouse);
  const isSame = known?.linksHold === true && known.decisionsHold && devices.every((device) => owners.get(device) === known.owners.get(device));
  const groups = isSame ? known.groups : joinedNodes({ aliases, decisions, ownerOf: (device) => owners.get(device) });
  const [users, lone] = [groups.flat().filter(isUser), groups.flat().filter((node) => !isUser(node))];
  // Before the first times are read: what is written meanwhile is looked at again.
  const seen = users.length === 0 ? undefined : await writesSeen(warehouse, 'timeline');
  // What is said of users is 100,000 times as much as of devices that somebody merged, and are nobody's: these are read anew each time.
  const firstMs = await laterFirstMs(project, users, warehouse, known, seen?.table === known?.seen?.table ? known?.seen : undefined);
  for (const [node, ms] of await readFirstMs(project, lone, warehouse)) firstMs.set(node, ms);
  const persons: JoinedPerson[] = groups.map((nodes) => ({ name: nameOf(nodes, (node) => firstMs.get(node)), nodes }));
  const ofEvents = persons.length > 0 || devices.length > 0;
  // Nothing of it is to be written to the table anew.
  if (isSame && persons.every(({ name }, i) => name === known.identity.persons[i]?.name)) return { identity: known.identity, aliases, owners, groups, ofEvents, firstMs, seen };
  const identity: ProjectIdentity = { ...alone, persons };
  if (!fitsStatement(identity)) identity.table = await writeOverrides(identity, warehouse, before?.table);
  return { identity, aliases, owners, groups, ofEvents, firstMs, seen };
}

function isUser(node: NodeKey): boolean {
  return nodeOfKey(node).kind === 'user';
}

/** When each of the nodes, all of them users, was first seen: those that were known then by the events since, `since` in this very table. */
async function laterFirstMs(project: string, nodes: readonly NodeKey[], warehouse: Warehouse, known: Known | undefined, since: WritesSeen | undefined): Promise<Map<NodeKey, number>> {
  if (known === undefined) return readFirstMs(project, nodes, warehouse);
  const before = new Set(known.groups.flat());
  const added = await readFirstMs(project, nodes.filter((node) => !before.has(node)), warehouse);
  const firstMs = await addFirstMs(project, nodes.filter((node) => before.has(node)), known, since, warehouse);
  for (const [node, ms] of added) firstMs.set(node, ms);
  return firstMs;
}

/** More ids than these are not looked for by name. */
const MAX_UNSEEN = 5_000;

/**
 * What the events from an offset on change about when the nodes, all of them users, were first seen: some may be late. One that is
 * not before the latest of the first times known changes nothing. `seen`: parts that were there then are not opened; under full load
 * all of ten million events were read twice before each question, which took a second or two.
 */
async function addFirstMs(project: string, joined: readonly NodeKey[], known: Known, seen: WritesSeen | undefined, warehouse: Warehouse): Promise<Map<NodeKey, number>> {
  const unseen = joined.filter((node) => !known.firstMs.has(node));
  const latestMs = joined.reduce((latest, node) => Math.max(latest, known.firstMs.get(node) ?? -Infinity), -Infinity);
  const early = latestMs === -Infinity ? [] : [`time < ${timeLiteral(latestMs)}`];
  const named = chunks(unseen.map((node) => node.slice(1))).map((some) => `user_id IN (${some})`);
  const [first = '', ...more] = named;
  // Most times all of it is one statement.
  const conditions = unseen.length > MAX_UNSEEN ? ["user_id != ''"] : first === '' ? early : [[...early, first].join(' OR '), ...more];
  const { offset, epochs } = known.from;
  const since = [`project = ${literal(project)}`, ...(epochs === undefined ? [] : [`epoch IN (${epochs.map((epoch) => literal(epoch)).join(', ')})`]), `offset >= ${offset}`, ...(seen === undefined ? [] : [writtenSince(seen)])];
  const firstMs = new Map(known.firstMs);
  const users = new Set(joined);
  for (const condition of conditions) {
    const { rows } = await warehouse.query<{ user: string; first_ms: number }>(
      `SELECT user_id AS user, toUnixTimestamp64Milli(min(time)) AS first_ms FROM timeline WHERE ${[...since, `(${condition})`].join(' AND ')} GROUP BY user_id`,
      // A question waits for it.
      {},
    );
    for (const { user, first_ms } of rows) {
      const node: NodeKey = `u${user}`;
      if (users.has(node)) firstMs.set(node, Math.min(Number(first_ms), firstMs.get(node) ?? Infinity));
    }
  }
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
