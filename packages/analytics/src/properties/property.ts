/**
 * Properties in SQL: one place that knows how a property is read as a text, as a number, and whether it is set (rule P2).
 *
 * A property is kept in one of three ways: as a column, as a path of the `properties` JSON column of `events` (fast: only
 * that path is read), or within a JSON text (`context`, and all of them in `timeline`). All read the same:
 * - null, absent and an object are unset; a column holding '' is unset;
 * - the text of a number is its shortest form, of true `true`, of a list the texts of its elements joined by `, `;
 * - the number of a text that writes one (`"19.99"`) is that number.
 *
 * What belongs to the person or the group of an event is read by owner-values.ts and traits-as-of.ts.
 */
import { cohortSql } from '../cohorts/membership.ts';
import { definedName } from './defined-names.ts';
import { ownerValueSql } from './owner-values.ts';
import { QuestionError } from '../question/problem.ts';
import { fromJsonColumn, fromJsonText, fromText, type PropertySql } from './property-sql.ts';
import { rollupText } from '../rollups/columns.ts';
import { sessionSql } from '../sessions/session-of-event.ts';
import { traitSql } from './traits-as-of.ts';

/** Of rollups only the dimensions can be read, and of these only the text (rollups/answerable.ts). */
export type Table = 'events' | 'timeline' | 'rollups';

/** Text columns of both tables, by the name that questions use. */
const COLUMNS: Readonly<Record<string, string>> = {
  eventName: 'event_name',
  userId: 'user_id',
  anonymousId: 'anonymous_id',
  sessionId: 'session_id',
  source: 'source',
  type: 'type',
  groupId: 'group_id',
  schemaVersion: 'schema_version',
};

/** SQL that reads a property of a row of `table`. `field` names the place in the question for the error. */
export function propertySql(name: string, table: Table, field: string): PropertySql {
  const held = table === 'rollups' ? rollupText(name) : undefined;
  if (held !== undefined) return fromText(held);
  const column = Object.hasOwn(COLUMNS, name) ? COLUMNS[name] : undefined;
  if (column !== undefined) return fromText(`nullIf(${column}, '')`);
  const dot = name.indexOf('.');
  const root = name.slice(0, dot);
  const path = name.slice(dot + 1).split('.');
  if (dot > 0 && path.every((key) => key !== '')) {
    if (root === 'properties' && table === 'events') return fromJsonColumn(path);
    if (root === 'properties' || root === 'context') return fromJsonText(root, path);
    if (root === 'traits') return traitSql(path, definedName(root, path));
    if (root === 'person' || root === 'group') return ownerValueSql(root, definedName(root, path));
    const ofSession = sessionSql(name, field);
    if (ofSession !== undefined) return ofSession;
  }
  const ofCohort = cohortSql(name);
  if (ofCohort !== undefined) return ofCohort;
  throw new QuestionError({
    code: 'unknown_property', field, value: name,
    rule: `${Object.keys(COLUMNS).join(', ')}, properties.…, context.…, traits.…, person.…, group.…, session.… or cohort.…`,
    detail: `${name} is not a property; write properties.${name} for one of the event's own.`,
  });
}
