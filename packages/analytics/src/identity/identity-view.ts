/** Identity to be looked at: one person with its nodes and events, the links of a person, the nodes that are no person. */
import { aliasHubs, MAX_ALIAS_LINKS, nodeOfKey, pairKey, standingDecisions, type AliasLink, type Decision, type NodeKey } from '@tidemark/identity';
import { literal, type Warehouse } from '@tidemark/warehouse';
import { readHubUsers } from './read-identity.ts';
import type { ProjectIdentity } from './project-identity.ts';
import { eventsOfPerson, resolvePerson, type Person } from './resolve.ts';

interface NodeView {
  node: NodeKey;
  events: number;
  /** Time of its first event, epoch ms; undefined where it has none. */
  firstMs: number | undefined;
}

export interface PersonView {
  personId: string;
  /** The key of the node that names the person. */
  name: NodeKey;
  /** With events first, by the time of the first one. At most 1,000. */
  nodes: NodeView[];
  /** Of all nodes. */
  events: number;
}

/** Why two nodes belong together, or would if nothing stood against it. */
export interface LinkView {
  cause: 'claim' | 'alias' | 'merge';
  a: NodeKey;
  b: NodeKey;
  /** Of the event that says so, epoch ms and id; a merge has its time alone. */
  timeMs: number;
  eventId: string | undefined;
  /** `later`: another user has an earlier claim on the device. */
  state: 'counts' | 'later' | 'cut' | 'hub';
}

export interface Hub {
  userId: string;
  cause: 'aliases' | 'devices';
  /** Distinct nodes at the other ends. */
  links: number;
}

const MAX_SHOWN = 1_000;

/** The person of a node, or of any id by rule I3. Throws WarehouseError. */
export async function readPerson(of: { id: string } | { node: NodeKey }, identity: ProjectIdentity, warehouse: Warehouse): Promise<PersonView & { person: Person }> {
  const person = await resolvePerson('id' in of ? of.id : nodeOfKey(of.node).id, identity, warehouse, 'id' in of ? {} : { kind: nodeOfKey(of.node).kind });
  const { rows } = await warehouse.query<{ node: string; events: number; first_ms: number; all_events: number }>(
    `SELECT if(user_id != '', concat('u', user_id), concat('a', anonymous_id)) AS node, count() AS events, toUnixTimestamp64Milli(min(time)) AS first_ms, sum(count()) OVER () AS all_events
FROM timeline WHERE project = ${literal(identity.project)} AND ${eventsOfPerson(person)} GROUP BY node ORDER BY first_ms, node LIMIT ${MAX_SHOWN}`,
  );
  const seen = rows.map(({ node, events, first_ms }): NodeView => ({ node, events: Number(events), firstMs: Number(first_ms) }));
  const owned = person.usedDevices === 'many' ? [] : person.usedDevices.filter(({ isOwned }) => isOwned).map(({ id }) => `a${id}`);
  const known = new Set(seen.map(({ node }) => node));
  const others = [...person.users.map((id) => `u${id}`), ...person.devices.map((id) => `a${id}`), ...owned].filter((node) => !known.has(node));
  const nodes = [...seen, ...others.map((node): NodeView => ({ node, events: 0, firstMs: undefined }))].slice(0, MAX_SHOWN);
  return { personId: person.name, name: person.key, nodes, events: Number(rows[0]?.all_events ?? 0), person };
}

/** Whether any event names the node: as its user, its device, or as what an alias calls previous. Throws WarehouseError. */
export async function isKnownNode(node: NodeKey, project: string, warehouse: Warehouse): Promise<boolean> {
  const { kind, id } = nodeOfKey(node);
  const inProject = `project = ${literal(project)}`;
  const looks =
    kind === 'user'
      ? [`timeline WHERE ${inProject} AND raw_id = ${literal(id)} AND user_id = ${literal(id)}`, `identity_claims WHERE ${inProject} AND user = ${literal(id)}`, `identity_links WHERE ${inProject} AND previous = ${literal(id)}`]
      : [`timeline WHERE ${inProject} AND raw_id = ${literal(id)} AND anonymous_id = ${literal(id)}`, `identity_claims WHERE ${inProject} AND device = ${literal(id)}`];
  const { rows } = await warehouse.query<{ found: number }>(looks.map((from) => `SELECT 1 AS found FROM (SELECT 1 FROM ${from} LIMIT 1)`).join(' UNION ALL '));
  return rows.length > 0;
}

/** All links that touch a node of the person, cut ones too; at most 1,000 of each cause. `decisions` in their order. Throws WarehouseError. */
export async function readLinks<D extends Decision & { madeAtMs: number }>(person: Person, decisions: readonly D[], warehouse: Warehouse): Promise<LinkView[]> {
  const { users, devices, usedDevices, identity } = person;
  const inProject = `project = ${literal(identity.project)}`;
  const standing = standingDecisions(decisions);
  const stateOf = (a: NodeKey, b: NodeKey, isHub: boolean): LinkView['state'] => (isHub ? 'hub' : standing.get(pairKey(a, b))?.verdict === 'cut' ? 'cut' : 'counts');
  const list = (ids: readonly string[]): string => `(${['', ...ids].map((id) => literal(id)).join(', ')})`;
  const ownDevices = [...devices, ...(usedDevices === 'many' ? [] : usedDevices.map(({ id }) => id))];
  const at = 'toUnixTimestamp64Milli(min(first).1) AS time_ms, min(first).2 AS event_id';
  const claims = await warehouse.query<{ device: string; user: string; time_ms: number; event_id: string }>(
    `SELECT device, user, ${at} FROM identity_claims WHERE ${inProject} AND (device IN ${list(ownDevices)} OR user IN ${list(users)}) GROUP BY device, user ORDER BY min(first) LIMIT ${MAX_SHOWN}`,
  );
  const aliases = await warehouse.query<{ user: string; previous: string; time_ms: number; event_id: string }>(
    `SELECT user, previous, ${at} FROM identity_links WHERE ${inProject} AND (user IN ${list(users)} OR previous IN ${list(users)}) GROUP BY user, previous ORDER BY min(first) LIMIT ${MAX_SHOWN}`,
  );
  const hubs = aliases.rows.length === 0 ? new Set<string>() : await readAliasHubs(identity.project, warehouse).then((found) => new Set(found.keys()));
  const taken = new Set<string>();
  const links = claims.rows.map(({ device, user, time_ms, event_id }): LinkView => {
    const [a, b] = [`a${device}`, `u${user}`];
    let state = stateOf(a, b, identity.hubUsers.includes(user));
    if (state === 'counts' && taken.has(device)) state = 'later';
    if (state === 'counts') taken.add(device);
    return { cause: 'claim', a, b, timeMs: Number(time_ms), eventId: event_id, state };
  });
  for (const { user, previous, time_ms, event_id } of aliases.rows) {
    const [a, b] = [`u${user}`, `u${previous}`];
    links.push({ cause: 'alias', a, b, timeMs: Number(time_ms), eventId: event_id, state: stateOf(a, b, hubs.has(user) || hubs.has(previous)) });
  }
  const nodes = new Set([...users.map((id) => `u${id}`), ...ownDevices.map((id) => `a${id}`)]);
  for (const { a, b, verdict, madeAtMs } of standing.values()) {
    if (verdict === 'merge' && (nodes.has(a) || nodes.has(b))) links.push({ cause: 'merge', a, b, timeMs: madeAtMs, eventId: undefined, state: 'counts' });
  }
  return links;
}

/** Users that are no person: more aliases or devices than one may have. Throws WarehouseError. */
export async function readHubs(project: string, warehouse: Warehouse): Promise<Hub[]> {
  const aliases = await readAliasHubs(project, warehouse);
  const users = await readHubUsers(project, warehouse);
  const counted = users.length === 0 ? [] : (await warehouse.query<{ user: string; links: number }>(
    `SELECT user, uniqExact(device) AS links FROM identity_claims WHERE project = ${literal(project)} AND user IN (${users.map((user) => literal(user)).join(', ')}) GROUP BY user`,
  )).rows;
  const hubs = [
    ...[...aliases].map(([userId, links]): Hub => ({ userId, cause: 'aliases', links })),
    ...counted.map(({ user, links }): Hub => ({ userId: user, cause: 'devices', links: Number(links) })),
  ];
  return hubs.toSorted((a, b) => b.links - a.links || (a.userId < b.userId ? -1 : 1));
}

/** Each hub with how many it is linked with. */
async function readAliasHubs(project: string, warehouse: Warehouse): Promise<Map<string, number>> {
  const { rows } = await warehouse.query<AliasLink>(`SELECT DISTINCT user, previous FROM identity_links WHERE project = ${literal(project)}`);
  if (rows.length <= MAX_ALIAS_LINKS) return new Map();
  const hubs = aliasHubs(rows);
  const others = (hub: string): Set<string> => new Set(rows.flatMap(({ user, previous }) => (user === hub ? [previous] : previous === hub ? [user] : [])));
  return new Map([...hubs].map((hub) => [hub, others(hub).size]));
}
