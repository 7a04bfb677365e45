/**
 * Whether the person of an event is in a saved cohort (rule C7). A statement names the ids of its people; definitions.ts defines them
 * (saved-cohorts.ts), once a statement.
 */
import { OWNER_KEYS } from '../properties/owner-values.ts';
import { fromText, type PropertySql } from '../properties/property-sql.ts';
import { QuestionError } from '../question/problem.ts';
import type { Condition } from '../question/schema.ts';

/** The property that conditions ask for; with a dot and a name behind it the one of a breakdown. */
export const COHORT = 'cohort';
const PREFIX = `${COHORT}.`;

const NAME = /\bcohort_of_((?:[0-9a-f]{2})+)(?![0-9a-f])/g;

/** The name in SQL of the ids of a cohort's people: in hexadecimal, so that any is one. */
export function cohortIdsName(cohort: string): string {
  return `cohort_of_${Buffer.from(cohort).toString('hex')}`;
}

/** The cohorts that a statement without its texts names. */
export function cohortsIn(bare: string): string[] {
  return [...new Set([...bare.matchAll(NAME)].map(([, hex = '']) => Buffer.from(hex, 'hex').toString()))];
}

/** The cohort that a property `cohort.<name>` is of; undefined for any other property. */
export function cohortOf(property: string): string | undefined {
  return property.startsWith(PREFIX) && property.length > PREFIX.length ? property.slice(PREFIX.length) : undefined;
}

/** Whether a property is of the person, and so the same for all events of theirs (rules P3, C7). */
export function isOfPerson(property: string): boolean {
  return property.startsWith('person.') || cohortOf(property) !== undefined;
}

/** Reads `cohort.<name>` of a row of events; undefined for any other property. */
export function cohortSql(property: string): PropertySql | undefined {
  const cohort = cohortOf(property);
  return cohort === undefined ? undefined : fromText(`if(${isInSql(cohort)}, 'in', 'not in')`);
}

/** SQL of a condition on the property `cohort`. Throws a QuestionError. */
export function inCohortsSql({ op, value }: Condition, field: string): string {
  if (op !== 'in' && op !== 'not_in') throw refuse(`${field}.op`, op, 'in or not_in', 'People are in cohorts or not: op must be in or not_in.');
  if (value === undefined) throw new QuestionError({ code: 'missing_field', field: `${field}.value`, rule: 'names of cohorts', detail: `${field}.value is missing: name the cohorts.` });
  if (!Array.isArray(value) || !value.every((name) => typeof name === 'string' && name !== '')) {
    throw refuse(`${field}.value`, value, 'a list of names of cohorts', `${field}.value must be a list of names of saved cohorts.`);
  }
  return `${op === 'not_in' ? 'NOT ' : ''}(${value.map((name) => isInSql(String(name))).join(' OR ')})`;
}

function isInSql(cohort: string): string {
  return `${OWNER_KEYS.person} IN (SELECT key FROM ${cohortIdsName(cohort)})`;
}

function refuse(field: string, value: unknown, rule: string, detail: string): QuestionError {
  return new QuestionError({ code: 'invalid_value', field, value, rule, detail });
}
