/** Whose an id is, for one person at a time: read from the claims and the timeline's order, never from all events (rules I1 to I9). */
import type { IdentityNode, NodeKey } from '@tidemark/identity';
import { literal, type Warehouse } from '@tidemark/warehouse';
import { claimsMemoryOf } from './claims-memory.ts';
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

/** A few granules are read at once, where handing them to other threads costs more than reading them: a fifth of the CPU of a page. */
const POINT_READ = "SETTINGS max_threads = 1, local_filesystem_read_method = 'pread', enable_analyzer = 0";

/** Whose the id itself is, before aliases and merges: a user's that was ever seen, else the owner's of the device, else the device's. */
interface Base {
  asUser: boolean;
  owner: string;
  usedDevices: Person['usedDevices'];
}

interface Look {
  /** Absent: an id that is a user's is taken for the user. */
  kind?: IdentityNode['kind'];
  /** Whether a user of this id was seen without a device, for who knows it sooner. */
  isNamed?: () => Promise<boolean>;
}

/** The person that an id belongs to. Throws WarehouseError. */
export async function resolvePerson(id: string, identity: ProjectIdentity, warehouse: Warehouse, look: Look = {}): Promise<Person> {
  const { project } = identity;
  const { asUser, owner, usedDevices } = await readBase(id, identity, warehouse, look);
  const base: NodeKey = asUser ? `u${id}` : owner === '' ? `a${id}` : `u${owner}`;
  const { name, nodes } = personOfNode(identity, base);
  const idsOf = (type: string): string[] => nodes.filter((node) => node.startsWith(type)).map((node) => node.slice(1));
  const users = idsOf('u');
  const isAlone = nodes.length === 1;
  const used = isAlone ? usedDevices : await readUsedDevices(users, identity, warehouse);
  return { project, name: name.slice(1), key: name, users, devices: idsOf('a'), usedDevices: used, identity };
}

/** The person that a device is which belongs to nobody and was joined to nothing. */
export function deviceAlone(id: string, identity: ProjectIdentity): Person {
  return { project: identity.project, name: id, key: `a${id}`, users: [], devices: [id], usedDevices: [], identity };
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
 * A user without a device lies in the timeline under the userId, one with a device has a claim; so no look reads more than a
 * granule or two a part. One statement for all of it took 18 ms: each nested SELECT is planned (chDB 26.7, 2 cores, 2026-11-22).
 */
async function readBase(id: string, identity: ProjectIdentity, warehouse: Warehouse, { kind, isNamed = () => isNamedAlone(id, identity.project, warehouse) }: Look): Promise<Base> {
  const byClaims = async (): Promise<Base> => {
    const { hasDevices, owner } = await readClaims(id, identity, warehouse);
    const asUser = kind === undefined ? hasDevices : kind === 'user';
    // Without a claim there is no device that the user was seen with.
    const user = asUser ? (hasDevices ? id : '') : owner;
    return { asUser, owner: asUser ? id : owner, usedDevices: user === '' ? [] : await readUsedDevices([user], identity, warehouse) };
  };
  const [base, isUser] = await Promise.all([byClaims(), kind === undefined && isNamed()]);
  return isUser && !base.asUser ? { asUser: true, owner: id, usedDevices: [] } : base;
}

interface Claims {
  /** A user of that name was seen with devices. */
  hasDevices: boolean;
  /** Whose it is as a device; '' for nobody's. */
  owner: string;
}

async function readClaims(id: string, identity: ProjectIdentity, warehouse: Warehouse): Promise<Claims> {
  const memory = claimsMemoryOf(warehouse);
  const known = memory.claimsOf(identity.project);
  if (known !== undefined) return { hasDevices: known.hasDevices(id), owner: known.ownerOf(id, identity) };
  if (memory.isUnclaimed(id, identity.project)) return { hasDevices: false, owner: '' };
  return memory.remember(claimsKey(id), identity, () => askClaims(id, identity, warehouse));
}

/** Whether nothing has to be read to know what the claims say of an id. */
export function areClaimsRemembered(id: string, identity: ProjectIdentity, warehouse: Warehouse): boolean {
  const memory = claimsMemoryOf(warehouse);
  return memory.claimsOf(identity.project)?.names(id) ?? memory.remembers(claimsKey(id), identity);
}

function claimsKey(id: string): string {
  return `claims on ${id}`;
}

async function askClaims(id: string, identity: ProjectIdentity, warehouse: Warehouse): Promise<Claims> {
  const project = `project = ${literal(identity.project)}`;
  const { rows } = await warehouse.query<{ kind: string; owner: string }>(
    `SELECT 'device' AS kind, argMinIf(user, first, ${claimsThatCount(identity)}) AS owner FROM identity_claims WHERE ${project} AND device = ${literal(id)}
UNION ALL SELECT 'user', '' FROM (SELECT 1 FROM identity_claims WHERE ${project} AND user = ${literal(id)} LIMIT 1) ${POINT_READ}`,
  );
  return { hasDevices: rows.some(({ kind }) => kind === 'user'), owner: rows.find(({ kind }) => kind === 'device')?.owner ?? '' };
}

/** Whether a user of this id was seen without a device. Throws WarehouseError. */
export async function isNamedAlone(id: string, project: string, warehouse: Warehouse): Promise<boolean> {
  const { rows } = await warehouse.query(`SELECT 1 FROM timeline WHERE project = ${literal(project)} AND raw_id = ${literal(id)} AND user_id = ${literal(id)} LIMIT 1 ${POINT_READ}`);
  return rows.length > 0;
}

async function readUsedDevices(users: readonly string[], identity: ProjectIdentity, warehouse: Warehouse): Promise<Person['usedDevices']> {
  if (users.length === 0) return [];
  const memory = claimsMemoryOf(warehouse);
  const known = memory.claimsOf(identity.project);
  if (known !== undefined) return listed(known.devicesOf(users, MAX_LISTED + 1).map((device) => [device, Number(users.includes(known.ownerOf(device, identity)))]));
  return memory.remember(`devices of ${JSON.stringify(users)}`, identity, async () => {
    const { rows } = await warehouse.query<{ device: string; is_owned: number }>(usedDevicesSql(`IN (${list(users)})`, identity));
    return listed(rows.map(({ device, is_owned }) => [device, is_owned]));
  });
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
