/** Whose an id is, for one person at a time: read from the timeline's order, never from all events (rules I1 to I3). */
import { literal, type Warehouse } from '@tidemark/warehouse';

/** A person and where its events lie in the table `timeline`. */
export interface Person {
  project: string;
  /** The userId, or the anonymousId of a device that no user was seen with. */
  name: string;
  userId: string;
  /** Devices that were ever used by the user; 'many' when they are too many to be listed in a statement. */
  devices: { id: string; isOwned: boolean }[] | 'many';
}

const MAX_LISTED = 1_000;

/** The person that an id belongs to: an id that is a user's is taken for the user. Throws WarehouseError. */
export async function resolvePerson(id: string, project: string, warehouse: Warehouse): Promise<Person> {
  const { rows: found } = await warehouse.query<{ as_user: number; owner: string }>(
    `SELECT (SELECT count() FROM (SELECT 1 FROM timeline WHERE project = ${literal(project)} AND user_id = ${literal(id)} LIMIT 1)) AS as_user,
  (${ownerSql(id, project)}) AS owner`,
  );
  const [first] = found;
  const userId = Number(first?.as_user ?? 0) > 0 ? id : (first?.owner ?? '');
  if (userId === '') return { project, name: id, userId, devices: [{ id, isOwned: true }] };
  const { rows } = await warehouse.query<{ device: string; is_owned: number }>(
    `SELECT raw_id AS device, ${isOwnedSql(userId)} AS is_owned FROM timeline
WHERE ${usedDevicesSql(userId, project)} GROUP BY raw_id LIMIT ${MAX_LISTED + 1}`,
  );
  const devices = rows.map(({ device, is_owned }) => ({ id: device, isOwned: Number(is_owned) === 1 }));
  return { project, name: userId, userId, devices: devices.length > MAX_LISTED ? 'many' : devices };
}

/** The personId of one event of these ids. Throws WarehouseError. */
export async function personIdOf(ids: { userId: string; anonymousId: string }, project: string, warehouse: Warehouse): Promise<string> {
  if (ids.userId !== '') return ids.userId;
  const { rows } = await warehouse.query<{ owner: string }>(`SELECT (${ownerSql(ids.anonymousId, project)}) AS owner`);
  return rows[0]?.owner || ids.anonymousId;
}

/** Condition on `timeline` that holds for the person's events, beside the one on the project. */
export function eventsOfPerson({ project, name, userId, devices }: Person): string {
  if (devices === 'many') {
    const used = usedDevicesSql(userId, project);
    const owned = `SELECT raw_id FROM timeline WHERE ${used} GROUP BY raw_id HAVING ${isOwnedSql(userId)}`;
    return `(raw_id = ${literal(userId)} OR raw_id IN (SELECT raw_id FROM timeline WHERE ${used}))
  AND (user_id = ${literal(userId)} OR user_id = '' AND anonymous_id IN (${owned}))`;
  }
  const list = (ids: readonly string[]): string => ids.map((id) => literal(id)).join(', ');
  const owned = devices.filter(({ isOwned }) => isOwned).map(({ id }) => id);
  const mine = [
    ...(userId === '' ? [] : [`user_id = ${literal(userId)}`]),
    ...(owned.length === 0 ? [] : [`(user_id = '' AND anonymous_id IN (${list(owned)}))`]),
  ];
  return `raw_id IN (${list([...new Set([name, ...devices.map(({ id }) => id)])])}) AND (${mine.join(' OR ')})`;
}

/** SELECT of the user that a device was first seen with, '' for none. */
function ownerSql(device: string, project: string): string {
  const id = literal(device);
  return `SELECT argMin(user_id, (time, event_id)) FROM timeline WHERE project = ${literal(project)} AND raw_id = ${id} AND anonymous_id = ${id} AND user_id != ''`;
}

/** Condition on the events that name a user, on the devices that this user was ever seen with. */
function usedDevicesSql(userId: string, project: string): string {
  const inProject = `project = ${literal(project)} AND anonymous_id != ''`;
  return `${inProject} AND user_id != '' AND raw_id IN (SELECT anonymous_id FROM timeline WHERE ${inProject} AND user_id = ${literal(userId)})`;
}

/** Aggregate over the events of a device that name a user: whether the first of them is this one. */
function isOwnedSql(userId: string): string {
  return `argMin(user_id, (time, event_id)) = ${literal(userId)}`;
}
