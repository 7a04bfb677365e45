/** Between persons and the ids that stand on their events, many at once. */
import { literal } from '@tidemark/warehouse';
import { personsOf, personsOfActors } from '../identity/person.ts';
import type { ProjectIdentity } from '../identity/project-identity.ts';

/** SELECT of `key`, each id that may stand on an event of the persons that a SELECT of `person` tells, as OWNER_KEYS has it. */
export function idsOfPersons(persons: string, identity: ProjectIdentity): string {
  const ids = `SELECT of_person, groupArray(if(of_user != '', concat('u', of_user), concat('a', of_device))) AS ids FROM (${personsOfActors(identity)}) GROUP BY of_person`;
  return `SELECT DISTINCT arrayJoin(arrayPushBack(ids, person)) AS key FROM (${persons}) AS members LEFT JOIN (${ids}) AS known ON members.person = known.of_person`;
}

/** SELECT of `person`, who has any of the ids now that a SELECT of `key` tells. */
export function personsWithAnyOf(keys: string, identity: ProjectIdentity): string {
  const actor = (type: string): string => `if(startsWith(key, '${type}'), substring(key, 2), '')`;
  return personsOf(`SELECT ${actor('u')} AS actor_user, ${actor('a')} AS actor_device FROM (${keys})`, identity);
}

/**
 * SELECT of `key` for each `id` that a SELECT tells: a user's if there is such a user, else a device's (rule I3), and where there is
 * neither, the user's that may come.
 */
export function keysOfIds(ids: string, { project }: ProjectIdentity): string {
  const seen = (column: string, claimed: string): string =>
    `SELECT ${column} FROM events WHERE project = ${literal(project)} AND ${column} IN (${ids}) UNION DISTINCT SELECT ${claimed} FROM identity_claims WHERE project = ${literal(project)} AND ${claimed} IN (${ids})`;
  return `SELECT concat(if(id IN (${seen('user_id', 'user')}) OR id NOT IN (${seen('anonymous_id', 'device')}), 'u', 'a'), id) AS key FROM (${ids})`;
}
