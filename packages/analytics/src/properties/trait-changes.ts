/** What events said of persons: the table `trait_changes`, which has every event with traits, by whom they are of. */
import { literal } from '@tidemark/warehouse';
import { ACTOR_COLUMNS, joinIdentity, PERSON_SQL } from '../identity/person.ts';
import { overridesSql, type ProjectIdentity } from '../identity/project-identity.ts';
import { fromJsonText, type PropertySql } from './property-sql.ts';

/** Which change names a property, and what it says; one that names it null unsets it. */
export function changeSql(path: readonly string[]): PropertySql & { isNamed: string } {
  const at = path.map((key) => literal(key)).join(', ');
  const isNamed = path.length === 1 ? `JSONHas(traits, ${at})` : `(JSONHas(traits, ${at}) OR JSONHas(traits, ${literal(path.join('.'))}))`;
  return { isNamed, ...fromJsonText('traits', path) };
}

/** SELECT of the changes of a property of persons, with the columns of actors. */
function changesSql(path: readonly string[], { project }: ProjectIdentity): string {
  return `SELECT ${ACTOR_COLUMNS}, traits, time, sequence, event_id FROM trait_changes WHERE project = ${literal(project)} AND is_of_group = 0 AND ${changeSql(path).isNamed}`;
}

/** FROM of the same with the identity of the actors: PERSON_SQL tells whose they are. */
export function personChanges(path: readonly string[], identity: ProjectIdentity): string {
  return `(${changesSql(path, identity)}) AS actors ${joinIdentity(identity)}`;
}

/** SELECT of `key`, every id that may stand on an event of a person of whom the property was said (and of others), and its `person`. */
export function idsSql(path: readonly string[], identity: ProjectIdentity): string {
  const inProject = `project = ${literal(identity.project)}`;
  const overrides = overridesSql(identity);
  const ids = [
    `SELECT actor_user, actor_device FROM (${changesSql(path, identity)})`,
    `SELECT user, '' FROM identity_claims WHERE ${inProject}`,
    `SELECT '', device FROM identity_claims WHERE ${inProject}`,
    // Who gives a joined person its name bears no other, and may be in none of the rest.
    ...(overrides === undefined ? [] : [`SELECT if(startsWith(id, 'u'), substring(id, 2), ''), if(startsWith(id, 'a'), substring(id, 2), '') FROM (SELECT arrayJoin([node, name]) AS id FROM (${overrides}))`]),
  ];
  return `SELECT if(actor_user != '', concat('u', actor_user), concat('a', actor_device)) AS key, ${PERSON_SQL} AS person
    FROM (SELECT DISTINCT actor_user, actor_device FROM (${ids.join(' UNION ALL ')})) AS actors ${joinIdentity(identity)}`;
}
