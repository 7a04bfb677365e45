/**
 * Who did it (rules I1 to I9). An event is its user's; without a user it belongs to the owner of its device: the user with
 * the least (time, eventId) among the claims that count; else the device is a person by itself. Aliases and merges join
 * these into one person, under the name of one of them.
 *
 * Resolved at read: events are first brought together by their own ids, and only these few are mapped (measured in the
 * design: 604 ms at 10 M events, against 913 for a join per row).
 */
import { hashOf } from './person-hash.ts';
import { claimsThatCount, FIRST_SQL, overridesSql, plainIdentity, type ProjectIdentity } from './project-identity.ts';

/** Columns that name the ids of an event without its person; group by `actor_user, actor_device`. */
export const ACTOR_COLUMNS = `user_id AS actor_user, if(user_id = '', anonymous_id, '') AS actor_device`;

/** Key of the person of a row with the two columns above, joined by `joinIdentity()`. Typed, as user x is not device x. */
export const PERSON_SQL = `multiIf(identity.of_person != '', identity.of_person, actor_user != '', concat('u', actor_user), concat('a', actor_device))`;

/** The person's name as it is shown (personId), of the same row: without the type. */
export const PERSON_NAME_SQL = `substring(${PERSON_SQL}, 2)`;

/**
 * Joins to a relation with `actor_user` and `actor_device` the persons that these do not tell by themselves: the owners of
 * the project's devices, and where somebody was joined, whom. Owners come of the claims: users of 1 M events (55,000 devices
 * claimed) took 241 ms, and 759 while they came of all events (chDB 26.7, 2 busy cores, 2026-11-22).
 */
export function joinIdentity(who: string | ProjectIdentity, devices?: string): string {
  const identity = typeof who === 'string' ? plainIdentity(who) : who;
  if (identity.persons.length === 0) return `LEFT JOIN (${personsOfActors(identity, { devices })}) AS identity ON actor_device = identity.of_device`;
  // ANY: a device that was joined to another while it had no owner, and has one by now, must not double a row.
  return `LEFT ANY JOIN (${personsOfActors(identity, { devices })}) AS identity ON actor_user = identity.of_user AND actor_device = identity.of_device`;
}

/**
 * SELECT of `person`, once each, of rows with the actor columns. By one text an actor, and joined by its hash: 49,000 people of 90,000
 * events took 0.10 s of CPU, by the two columns 0.14 s (chDB 26.7, 2026-11-22).
 */
export function personsOf(rows: string, identity: ProjectIdentity): string {
  const key = (user: string, device: string): string => `if(${user} = '', concat('a', ${device}), concat('u', ${user}))`;
  const persons = `SELECT ${hashOf(key('of_user', 'of_device'))} AS of_actor, of_person FROM (${personsOfActors(identity)})`;
  return `SELECT DISTINCT if(identity.of_person = '', key, identity.of_person) AS person
  FROM (SELECT DISTINCT ${key('actor_user', 'actor_device')} AS key FROM (${rows})) AS actors LEFT ANY JOIN (${persons}) AS identity ON ${hashOf('key')} = identity.of_actor`;
}

/**
 * SELECT of `of_user`, `of_device` (one of them is '') and `of_person`, the key of the person whose they are. `devices`: SELECT
 * of those that matter; absent = all. `isOnOneThread`: the statement that it stands in has no more, so that owners are sooner sorted than
 * aggregated: 41,000 devices took 11 ms of CPU in place of 20, 1.5 million 0.43 s in place of 0.72 (chDB 26.7, 2026-11-23).
 */
export function personsOfActors(identity: ProjectIdentity, { devices, isOnOneThread = false }: { devices?: string | undefined; isOnOneThread?: boolean } = {}): string {
  const among = devices === undefined ? '' : ` AND device IN (${devices})`;
  const claims = `FROM identity_claims WHERE ${claimsThatCount(identity)}${among}`;
  const owners = isOnOneThread
    ? `SELECT device, concat('u', user) AS owner ${claims} ORDER BY device, first LIMIT 1 BY device`
    : `SELECT device, concat('u', argMin(user, ${FIRST_SQL})) AS owner ${claims} GROUP BY device`;
  const overrides = overridesSql(identity);
  if (overrides === undefined) return `SELECT '' AS of_user, device AS of_device, owner AS of_person FROM (${owners})`;
  return `
    SELECT '' AS of_user, device AS of_device, if(names.name = '', owner, names.name) AS of_person
    FROM (${owners}) AS owners LEFT JOIN (${overrides}) AS names ON owners.owner = names.node
    UNION ALL
    SELECT if(startsWith(node, 'u'), substring(node, 2), ''), if(startsWith(node, 'a'), substring(node, 2), ''), name FROM (${overrides})`;
}
