/** Whose an id is, for one person at a time: read from the claims and the timeline's order, never from all events (rules I1 to I9). */
import type { IdentityNode, NodeKey } from '@tidemark/identity';
import { literal, type Warehouse } from '@tidemark/warehouse';
import { claimsThatCount, personOfNode, type ProjectIdentity } from './project-identity.ts';

/** A person and where its events lie in the table `timeline`. */
export interface Person {
  project: string;
  /** personId: the userId or anonymousId that names the person. */
  name: string;
  /** The node that the name is of. */
  key: NodeKey;
  users: readonly string[];
  /** Devices that are the person's own without belonging to a user of it. */
  devices: readonly string[];
  /** Devices that its users were ever seen with; 'many' when they are too many to be listed in a statement. */
  usedDevices: readonly { id: string; isOwned: boolean }[] | 'many';
  identity: ProjectIdentity;
}

const MAX_LISTED = 1_000;

/** Whose the id itself is, before aliases and merges: a user's that was ever seen, else the owner's of the device, else the device's. */
interface Base {
  asUser: boolean;
  owner: string;
  usedDevices: Person['usedDevices'];
}

/** The person that an id belongs to: without `kind` an id that is a user's is taken for the user. Throws WarehouseError. */
export async function resolvePerson(id: string, identity: ProjectIdentity, warehouse: Warehouse, kind?: IdentityNode['kind']): Promise<Person> {
  const { project } = identity;
  const { asUser, owner, usedDevices } = await readBase(id, identity, warehouse, kind);
  const base: NodeKey = asUser ? `u${id}` : owner === '' ? `a${id}` : `u${owner}`;
  const { name, nodes } = personOfNode(identity, base);
  const idsOf = (type: string): string[] => nodes.filter((node) => node.startsWith(type)).map((node) => node.slice(1));
  const users = idsOf('u');
  const isAlone = nodes.length === 1;
  const used = isAlone ? usedDevices : await readUsedDevices(users, identity, warehouse);
  return { project, name: name.slice(1), key: name, users, devices: idsOf('a'), usedDevices: used, identity };
}

/** The personId of one event of these ids. Throws WarehouseError. */
export async function personIdOf(ids: { userId: string; anonymousId: string }, identity: ProjectIdentity, warehouse: Warehouse): Promise<string> {
  const { userId, anonymousId } = ids;
  let base: NodeKey = `u${userId}`;
  if (userId === '') {
    const { rows } = await warehouse.query<{ owner: string }>(`SELECT (${ownerSql(anonymousId, identity)}) AS owner`);
    const owner = rows[0]?.owner ?? '';
    base = owner === '' ? `a${anonymousId}` : `u${owner}`;
  }
  return personOfNode(identity, base).name.slice(1);
}

/** Condition on `timeline` that holds for the person's events, beside the one on the project. */
export function eventsOfPerson({ users, devices, usedDevices, identity }: Person): string {
  const theirs = `user_id IN (${list(users)})`;
  if (usedDevices === 'many') {
    const used = `SELECT device FROM identity_claims WHERE ${usedBySql(users, identity)}`;
    const owned = `SELECT device FROM identity_claims WHERE ${claimsThatCount(identity)} AND device IN (${used}) GROUP BY device HAVING argMin(user, first) IN (${list(users)})`;
    const others = devices.length === 0 ? '' : ` OR anonymous_id IN (${list(devices)})`;
    return `(raw_id IN (${list([...users, ...devices])}) OR raw_id IN (${used}))
  AND (${theirs} OR user_id = '' AND (anonymous_id IN (${owned})${others}))`;
  }
  const owned = [...devices, ...usedDevices.filter(({ isOwned }) => isOwned).map(({ id }) => id)];
  const mine = [...(users.length === 0 ? [] : [theirs]), ...(owned.length === 0 ? [] : [`(user_id = '' AND anonymous_id IN (${list(owned)}))`])];
  return `raw_id IN (${list([...new Set([...users, ...devices, ...usedDevices.map(({ id }) => id)])])}) AND (${mine.join(' OR ')})`;
}

/**
 * One statement: it costs a fixed 2 ms more than what it reads. A user without a device lies in the timeline under the userId,
 * one with a device has a claim; so neither look reads more than a granule or two a part.
 */
async function readBase(id: string, identity: ProjectIdentity, warehouse: Warehouse, kind?: IdentityNode['kind']): Promise<Base> {
  const project = `project = ${literal(identity.project)}`;
  const { rows } = await warehouse.query<{ as_user: number; owner: string; used: [string, number][] }>(
    `WITH (SELECT count() FROM (SELECT 1 FROM timeline WHERE ${project} AND raw_id = ${literal(id)} AND user_id = ${literal(id)} LIMIT 1)) AS without_device,
  (SELECT count() FROM (SELECT 1 FROM identity_claims WHERE ${project} AND user = ${literal(id)} LIMIT 1)) AS with_device,
  (${ownerSql(id, identity)}) AS owner_of_device,
  ${kind === undefined ? 'without_device + with_device > 0' : kind === 'user' ? '1' : '0'} AS is_user,
  if(is_user, ${literal(id)}, owner_of_device) AS owner,
  (SELECT groupArray((device, is_owned)) FROM (${usedDevicesSql('= owner', identity)})) AS used
SELECT is_user AS as_user, owner, used`,
  );
  const [{ as_user, owner, used } = { as_user: 0, owner: '', used: [] }] = rows;
  return { asUser: Number(as_user) === 1, owner, usedDevices: owner === '' ? [] : listed(used) };
}

async function readUsedDevices(users: readonly string[], identity: ProjectIdentity, warehouse: Warehouse): Promise<Person['usedDevices']> {
  if (users.length === 0) return [];
  const { rows } = await warehouse.query<{ device: string; is_owned: number }>(usedDevicesSql(`IN (${list(users)})`, identity));
  return listed(rows.map(({ device, is_owned }) => [device, is_owned]));
}

function listed(used: readonly [string, number][]): Person['usedDevices'] {
  return used.length > MAX_LISTED ? 'many' : used.map(([id, isOwned]) => ({ id, isOwned: Number(isOwned) === 1 }));
}

/** SELECT of `device` and `is_owned` of the devices that users were seen with. `isOne`: the rest of a condition on a userId. */
function usedDevicesSql(isOne: string, identity: ProjectIdentity): string {
  const counts = claimsThatCount(identity);
  const project = `project = ${literal(identity.project)}`;
  return `SELECT device, argMinIf(user, first, ${counts}) ${isOne} AND countIf(${counts}) > 0 AS is_owned FROM identity_claims
    WHERE ${project} AND device IN (SELECT device FROM identity_claims WHERE ${project} AND user ${isOne}) GROUP BY device LIMIT ${MAX_LISTED + 1}`;
}

function usedBySql(users: readonly string[], { project }: ProjectIdentity): string {
  return `project = ${literal(project)} AND user IN (${list(users)})`;
}

/** SELECT of the user that a device belongs to, '' for none. */
function ownerSql(device: string, identity: ProjectIdentity): string {
  return `SELECT argMin(user, first) FROM identity_claims WHERE ${claimsThatCount(identity)} AND device = ${literal(device)}`;
}

function list(ids: readonly string[]): string {
  return ids.map((id) => literal(id)).join(', ');
}
