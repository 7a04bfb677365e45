/**
 * Properties of somebody else than the event: `person.…`, as the traits of its person stand now, and `group.…`, as those of
 * its group do (rules P3, P4). They are read once a statement, for all persons (groups) that have the property, and
 * looked up in memory for each event: `ownerValueSql` uses a name for them that definitions.ts defines.
 */
import { literal } from '@tidemark/warehouse';
import { PERSON_SQL } from '../identity/person.ts';
import type { ProjectIdentity } from '../identity/project-identity.ts';
import { finite, type PropertySql } from './property-sql.ts';
import { changeSql, idsSql, personChanges } from './trait-changes.ts';

export type Owner = 'person' | 'group';

/** Whom an event's property is looked up for. Typed: user x is not device x. */
export const OWNER_KEYS: Record<Owner, string> = {
  person: `if(user_id != '', concat('u', user_id), concat('a', anonymous_id))`,
  group: `concat('g', group_id)`,
};

/** Reads a property of the person or group of a row of events; `values` names what `ownerValues` selects. */
export function ownerValueSql(owner: Owner, values: string): PropertySql {
  const key = OWNER_KEYS[owner];
  // A text that is set begins with '='.
  const found = `transform(${key}, ${values}.1, ${values}.2, '')`;
  return { text: `if(${found} = '', NULL, substring(${found}, 2))`, number: finite(`transform(${key}, ${values}.1, ${values}.3, nan)`) };
}

/** SELECT of one row: keys, texts and numbers, side by side. */
export function ownerValues(owner: Owner, path: readonly string[], identity: ProjectIdentity): string {
  const rows = owner === 'person' ? personValues(path, identity) : groupValues(path, identity);
  // Never empty, since `transform` refuses that: no key is ''.
  return `SELECT (arrayConcat(groupArray(key), ['']), arrayConcat(groupArray(concat('=', assumeNotNull(value.1))), ['']), arrayConcat(groupArray(ifNull(value.2, nan)), [nan])) FROM (${rows})`;
}

/** The change that counts is the last by (time, sequence, eventId) that names the property. */
function lastValue(path: readonly string[]): string {
  const { text, number } = changeSql(path);
  return `argMax((${text}, ${number}), (time, sequence, event_id)) AS value`;
}

function groupValues(path: readonly string[], { project }: ProjectIdentity): string {
  return `SELECT concat('g', group_id) AS key, ${lastValue(path)} FROM trait_changes
  WHERE project = ${literal(project)} AND is_of_group = 1 AND group_id != '' AND ${changeSql(path).isNamed} GROUP BY key HAVING value.1 IS NOT NULL`;
}

function personValues(path: readonly string[], identity: ProjectIdentity): string {
  const persons = `SELECT ${PERSON_SQL} AS person, ${lastValue(path)} FROM ${personChanges(path, identity)} GROUP BY person HAVING value.1 IS NOT NULL`;
  return `SELECT key, value FROM (${idsSql(path, identity)}) AS ids INNER JOIN (${persons}) AS persons ON ids.person = persons.person`;
}
