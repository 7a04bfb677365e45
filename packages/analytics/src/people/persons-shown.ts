/** What is shown of a person (rule K2): from the claims and the timeline's order, never from all events. */
import { nodeOfKey, type NodeKey } from '@tidemark/identity';
import { literal } from '@tidemark/warehouse';
import Type, { type Static } from 'typebox';
import type { Asking } from '../asking/asking.ts';
import { joinIdentity, PERSON_SQL } from '../identity/person.ts';
import { claimsThatCount, overridesSql, type ProjectIdentity } from '../identity/project-identity.ts';

const MAX_DEVICES = 100;
/** Of the keys in one statement. */
const MAX_LIST_BYTES = 80_000;

export const Person = Type.Object({
  personId: Type.String(),
  userId: Type.Union([Type.String(), Type.Null()], { description: 'null = the person has no user' }),
  anonymousIds: Type.Array(Type.String(), { description: `devices that belong to the person now and have events; at most ${MAX_DEVICES}` }),
  lastSeen: Type.Union([Type.String(), Type.Null()], { description: 'time of the last of all their events; null = these are gone by now' }),
});
export type Person = Static<typeof Person>;

/** The persons of keys, in their order. */
export async function personsShown(keys: readonly NodeKey[], { identity, query }: Pick<Asking, 'identity' | 'query'>): Promise<Person[]> {
  const found = new Map<string, { lastSeen: string; devices: string[] }>();
  for (const some of lots(keys)) {
    for (const row of await query<{ person: string; last_ms: number; devices: string[] }>(personsSql(some, identity))) {
      found.set(row.person, { lastSeen: new Date(Number(row.last_ms)).toISOString(), devices: row.devices });
    }
  }
  return keys.map((key) => {
    const { kind, id } = nodeOfKey(key);
    const { lastSeen = null, devices = [] } = found.get(key) ?? {};
    return { personId: id, userId: kind === 'user' ? id : null, anonymousIds: devices, lastSeen };
  });
}

/** SELECT of person, last_ms and devices. What a device did with another's user counts for the user, yet the device has events. */
function personsSql(keys: readonly NodeKey[], identity: ProjectIdentity): string {
  const { project } = identity;
  const inProject = `project = ${literal(project)}`;
  const asked = `SELECT arrayJoin([${keys.map((key) => literal(key)).join(', ')}]) AS node`;
  const overrides = overridesSql(identity);
  const nodes = overrides === undefined ? 'SELECT node FROM asked' : `SELECT node FROM asked UNION ALL SELECT node FROM (${overrides}) WHERE name IN (SELECT node FROM asked)`;
  const ids = (type: string): string => `SELECT substring(node, 2) FROM nodes WHERE startsWith(node, '${type}')`;
  // Claims lie in the order of devices: to look for users reads all of them. Who is named by a device has no user.
  const hasUsers = keys.some((key) => key.startsWith('u'));
  const used = hasUsers ? ` UNION ALL SELECT device FROM identity_claims WHERE ${inProject} AND user IN (${ids('u')})` : '';
  const claimed = hasUsers ? `SELECT device FROM identity_claims WHERE ${claimsThatCount(identity)} AND (user IN (${ids('u')}) OR device IN (${ids('a')}))` : ids('a');
  const rows = `SELECT user_id, anonymous_id, toUnixTimestamp64Milli(max(time)) AS at FROM timeline
    WHERE ${inProject} AND raw_id IN (SELECT substring(node, 2) FROM nodes${used}) GROUP BY user_id, anonymous_id`;
  const both = `[(user_id, if(user_id = '', anonymous_id, ''), at), ('', anonymous_id, toInt64(0))]`;
  const said = `SELECT tupleElement(said, 1) AS actor_user, tupleElement(said, 2) AS actor_device, max(tupleElement(said, 3)) AS at
    FROM (SELECT arrayJoin(${both}) AS said FROM (${rows})) WHERE actor_user != '' OR actor_device != '' GROUP BY actor_user, actor_device`;
  return `WITH asked AS (${asked}), nodes AS (${nodes})
SELECT ${PERSON_SQL} AS person, max(at) AS last_ms, arraySlice(arraySort(groupArrayIf(actor_device, actor_device != '')), 1, ${MAX_DEVICES}) AS devices
FROM (${said}) AS actors ${joinIdentity(identity, claimed)}
GROUP BY person HAVING person IN (SELECT node FROM asked)`;
}

/** Lists of keys that fit a statement. */
function lots(keys: readonly NodeKey[]): NodeKey[][] {
  const found: NodeKey[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const key of keys) {
    const size = Buffer.byteLength(literal(key));
    if (bytes + size > MAX_LIST_BYTES) {
      found.push([]);
      bytes = 0;
    }
    bytes += size;
    found.at(-1)?.push(key);
  }
  return found;
}
