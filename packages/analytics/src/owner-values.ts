/**
 * Properties of somebody else than the event: `person.…`, as the traits of its person stand now, and `group.…`, as those of
 * its group do (rules P3, P4). They are read once a statement, for all persons (groups) that have the property, and
 * looked up in memory for each event: `ownerValueSql` uses a name for them that `withOwnerValues` defines.
 */
import { literal } from '@tidemark/warehouse';
import { ACTOR_COLUMNS, joinIdentity, PERSON_SQL } from './person.ts';
import { overridesSql, type ProjectIdentity } from './project-identity.ts';
import { finite, fromJsonText, type PropertySql } from './property-sql.ts';

type Owner = 'person' | 'group';

/** The path of the property in hexadecimal, so that any name is one of SQL's. */
const NAME = /\b(person|group)_values_((?:[0-9a-f]{2})+)\b/g;

/** Texts and quoted names of a statement, in which such a name means nothing. */
const QUOTED = /'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`/gs;

/** Who an event's property is looked up for. Typed: user x is not device x. */
const KEYS: Record<Owner, string> = {
  person: `if(user_id != '', concat('u', user_id), concat('a', anonymous_id))`,
  group: `concat('g', group_id)`,
};

/** Reads a property of the person or group of a row of events, in a statement that `withOwnerValues` has gone over. */
export function ownerValueSql(owner: Owner, path: readonly string[]): PropertySql {
  const values = `${owner}_values_${Buffer.from(path.join('.')).toString('hex')}`;
  // A text that is set begins with '='.
  const found = `transform(${KEYS[owner]}, ${values}.1, ${values}.2, '')`;
  return { text: `if(${found} = '', NULL, substring(${found}, 2))`, number: finite(`transform(${KEYS[owner]}, ${values}.1, ${values}.3, nan)`) };
}

/** The statement with definitions of the values that it names. */
export function withOwnerValues(sql: string, identity: ProjectIdentity): string {
  const named = new Map([...sql.replaceAll(QUOTED, '').matchAll(NAME)].map(([name, owner, hex]) => [name, { owner: owner as Owner, path: Buffer.from(hex!, 'hex').toString().split('.') }]));
  if (named.size === 0) return sql;
  const definitions = [...named].map(([name, { owner, path }]) => `(${owner === 'person' ? personValues(path, identity) : groupValues(path, identity)}) AS ${name}`);
  return `WITH ${definitions.join(',\n')}\n${sql}`;
}

/** One row: keys, texts and numbers, side by side. Never empty, since `transform` refuses that: no key is ''. */
function arrays(rows: string): string {
  return `SELECT (arrayConcat(groupArray(key), ['']), arrayConcat(groupArray(concat('=', assumeNotNull(value.1))), ['']), arrayConcat(groupArray(ifNull(value.2, nan)), [nan])) FROM (${rows})`;
}

/** The change that counts is the last by (time, sequence, eventId) that names the property; one that names it null unsets it. */
function lastValue(path: readonly string[]): { isNamed: string; value: string } {
  const { text, number } = fromJsonText('traits', path);
  const at = path.map((key) => literal(key)).join(', ');
  const isNamed = path.length === 1 ? `JSONHas(traits, ${at})` : `(JSONHas(traits, ${at}) OR JSONHas(traits, ${literal(path.join('.'))}))`;
  return { isNamed, value: `argMax((${text}, ${number}), (time, sequence, event_id)) AS value` };
}

function groupValues(path: readonly string[], { project }: ProjectIdentity): string {
  const { isNamed, value } = lastValue(path);
  return arrays(`SELECT concat('g', group_id) AS key, ${value} FROM trait_changes
  WHERE project = ${literal(project)} AND is_of_group = 1 AND group_id != '' AND ${isNamed} GROUP BY key HAVING value.1 IS NOT NULL`);
}

/** Every id that may stand on an event of a person who has the property. */
function personValues(path: readonly string[], identity: ProjectIdentity): string {
  const { isNamed, value } = lastValue(path);
  const inProject = `project = ${literal(identity.project)}`;
  const changes = `SELECT ${ACTOR_COLUMNS}, traits, time, sequence, event_id FROM trait_changes WHERE ${inProject} AND is_of_group = 0 AND ${isNamed}`;
  const persons = `SELECT ${PERSON_SQL} AS person, ${value} FROM (${changes}) AS actors ${joinIdentity(identity)} GROUP BY person HAVING value.1 IS NOT NULL`;
  const overrides = overridesSql(identity);
  const ids = [
    `SELECT actor_user, actor_device FROM (${changes})`,
    `SELECT user, '' FROM identity_claims WHERE ${inProject}`,
    `SELECT '', device FROM identity_claims WHERE ${inProject}`,
    // Who gives a joined person its name bears no other, and may be in none of the rest.
    ...(overrides === undefined ? [] : [`SELECT if(startsWith(id, 'u'), substring(id, 2), ''), if(startsWith(id, 'a'), substring(id, 2), '') FROM (SELECT arrayJoin([node, name]) AS id FROM (${overrides}))`]),
  ];
  return arrays(`SELECT key, value FROM (
    SELECT if(actor_user != '', concat('u', actor_user), concat('a', actor_device)) AS key, ${PERSON_SQL} AS person
    FROM (SELECT DISTINCT actor_user, actor_device FROM (${ids.join(' UNION ALL ')})) AS actors ${joinIdentity(identity)}
  ) AS ids INNER JOIN (${persons}) AS persons ON ids.person = persons.person`);
}
