/**
 * `traits.…`: what was known of an event's person when it happened (rule P5). The changes of the property are read once a
 * statement, and each event is joined to the last that its person had by then.
 */
import { PERSON_SQL } from '../identity/person.ts';
import type { ProjectIdentity } from '../identity/project-identity.ts';
import { OWNER_KEYS } from './owner-values.ts';
import { fromJsonText, type PropertySql } from './property-sql.ts';
import { changeSql, idsSql, personChanges } from './trait-changes.ts';

/**
 * Reads the property of a row of events that `joinTraits` has joined to the changes named `changes`. A `group` event speaks of its
 * group, and has its own traits only.
 */
export function traitSql(path: readonly string[], changes: string): PropertySql {
  // Of the changes in the millisecond of the event those after it don't count. The first of them all is the one before.
  const last = `arrayLast(x -> ${changes}_since < time OR (x.1, x.2) <= (sequence, event_id), ${changes}_said)`;
  const own = fromJsonText('traits', path);
  return { text: `if(type = 'group', ${own.text}, ${last}.3)`, number: `if(type = 'group', ${own.number}, ${last}.4)` };
}

/** JOIN of a table of events with the changes of a property. */
export function joinTraits(changes: string): string {
  return `ASOF LEFT JOIN ${changes} ON transform(${OWNER_KEYS.person}, ${changes}_ids.1, ${changes}_ids.2, '') = ${changes}_of AND time >= ${changes}_since`;
}

/**
 * SELECT of a row for each millisecond in which something was said of a person: `…_of`, `…_since`, and `…_said`, in order,
 * (sequence, event_id, text, number) of what was said last before it, and of all that was said in it.
 */
export function traitChanges(path: readonly string[], changes: string, identity: ProjectIdentity): string {
  const { text, number } = changeSql(path);
  const moments = `SELECT ${PERSON_SQL} AS person, time, arraySort(x -> (x.1, x.2), groupArray((sequence, event_id, ${text}, ${number}))) AS said
  FROM ${personChanges(path, identity)} GROUP BY person, time`;
  const before = `lagInFrame(said) OVER (PARTITION BY person ORDER BY time ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)`;
  return `SELECT person AS ${changes}_of, time AS ${changes}_since,
    arrayConcat(arrayMap(x -> (toInt64(${Number.MIN_SAFE_INTEGER}), '', x.3, x.4), arraySlice(${before}, -1)), said) AS ${changes}_said FROM (${moments})`;
}

/** SELECT of one row: ids of events, and the persons whose they are, side by side. */
export function traitIds(path: readonly string[], identity: ProjectIdentity): string {
  return `SELECT (arrayConcat(groupArray(key), ['']), arrayConcat(groupArray(person), [''])) FROM (${idsSql(path, identity)})`;
}
