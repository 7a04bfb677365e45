/** The saved cohorts that a question names, and where. */
import { COHORT, cohortOf } from './membership.ts';

interface NamedCohort {
  name: string;
  /** As `where[0].value` or `breakdown[0]`. */
  field: string;
}

/** Fields whose texts are properties, wherever a kind has them. */
const PROPERTY_FIELDS = new Set(['property', 'breakdown', 'hold', 'by', 'measure']);

/** Those of a question that has its shape. A name in a place of a kind's own is told when the statement is made. */
export function cohortsNamed(question: unknown, field = '', isProperty = false): NamedCohort[] {
  if (typeof question === 'string') {
    const name = isProperty ? cohortOf(question) : undefined;
    return name === undefined ? [] : [{ name, field }];
  }
  if (Array.isArray(question)) return question.flatMap((item, i) => cohortsNamed(item, `${field}[${i}]`, isProperty));
  if (typeof question !== 'object' || question === null) return [];
  const { property, value, cohort } = question as { property?: unknown; value?: unknown; cohort?: unknown };
  // A parameter of an SQL query (rule Z10).
  if (typeof cohort === 'string' && field.startsWith('params.')) return [{ name: cohort, field: `${field}.cohort` }];
  if (property === COHORT && Array.isArray(value)) return value.filter((name) => typeof name === 'string').map((name) => ({ name, field: `${field}.value` }));
  return Object.entries(question).flatMap(([key, item]) =>
    cohortsNamed(item, field === '' ? key : `${field}.${key}`, PROPERTY_FIELDS.has(key) || (isProperty && key !== 'where')),
  );
}
