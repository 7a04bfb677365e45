/**
 * Actors and persons as numbers, for questions that count people and show none: the statement groups and joins a UInt128 in place
 * of two texts. Of n ids two share a hash with a probability of n²/2^129, 1e-25 at 10 million; 64 bits would be 3e-6, and to group
 * by 128 of them costs as much. Actors of 3 M events took 0.28 s of CPU by xxh3_128, 0.48 s as two texts, 0.65 s by sipHash128 (chDB
 * 26.7, 2026-11-22). Who makes an id that hashes like another's could have sent that other id in the first place.
 */
import { claimsThatCount, FIRST_SQL, overridesSql, type ProjectIdentity } from './project-identity.ts';

/** Of an event: its user, or without one its device. Typed by the number added, as user x is not device x. */
export const ACTOR_HASH_SQL = `${hashOf(`if(user_id = '', anonymous_id, user_id)`)} + (user_id != '')`;
export const ACTOR_HASH_COLUMN = `${ACTOR_HASH_SQL} AS actor`;

/** The hash of the person of a row with `actor`, joined by `joinPersonHashes()`. */
export const PERSON_HASH_SQL = 'if(identity.of_person = 0, actor, identity.of_person)';

/** As `joinIdentity()` does, to a relation with `actor`. */
export function joinPersonHashes(identity: ProjectIdentity): string {
  return `LEFT ANY JOIN (${personHashesOfActors(identity)}) AS identity ON actor = identity.of_actor`;
}

/** SELECT of `of_actor` and `of_person`: the actors that do not tell their person by themselves, and these persons. */
function personHashesOfActors(identity: ProjectIdentity): string {
  const owners = `SELECT ${hashOf('device')} AS of_actor, argMin(${hashOf('user')} + 1, ${FIRST_SQL}) AS owner FROM identity_claims WHERE ${claimsThatCount(identity)} GROUP BY of_actor`;
  const overrides = overridesSql(identity);
  if (overrides === undefined) return `SELECT of_actor, owner AS of_person FROM (${owners})`;
  const names = `SELECT ${hashOfKey('node')} AS of_node, ${hashOfKey('name')} AS of_name FROM (${overrides})`;
  return `
    SELECT of_actor, if(of_name = 0, owner, of_name) AS of_person FROM (${owners}) AS owners LEFT ANY JOIN (${names}) AS names ON owner = of_node
    UNION ALL
    SELECT of_node, of_name FROM (${names})`;
}

/** SELECT of one column: all actors of the persons of those that a SELECT of one column tells. */
export function actorsOfSamePersons(actors: string, identity: ProjectIdentity): string {
  return `${actors} UNION ALL
    SELECT arrayJoin(arrayPushBack(groupArray(of_actor), of_person)) FROM (${personHashesOfActors(identity)}) GROUP BY of_person HAVING max(of_actor IN (${actors})) OR of_person IN (${actors})`;
}

/** SQL of the hash of a text. */
export function hashOf(id: string): string {
  return `reinterpretAsUInt128(xxh3_128(${id}))`;
}

/** Of a key with its type before the id. */
function hashOfKey(key: string): string {
  return `${hashOf(`substring(${key}, 2)`)} + startsWith(${key}, 'u')`;
}
