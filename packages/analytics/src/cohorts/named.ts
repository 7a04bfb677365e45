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
  // Parameters of an SQL query (rule Z10) have names of somebody's own, which mean nothing here.
  if (field === 'params') return Object.entries(question).flatMap(([key, item]) => cohortOfParameter(item).map((name) => ({ name, field: `params.${key}.cohort` })));
  const { property, value } = question as { property?: unknown; value?: unknown };
  if (property === COHORT && Array.isArray(value)) return value.filter((name) => typeof name === 'string').map((name) => ({ name, field: `${field}.value` }));
  return Object.entries(question).flatMap(([key, item]) =>
    cohortsNamed(item, field === '' ? key : `${field}.${key}`, PROPERTY_FIELDS.has(key) || (isProperty && key !== 'where')),
  );
}

function cohortOfParameter(value: unknown): string[] {
  return typeof value === 'object' && value !== null && 'cohort' in value && typeof value.cohort === 'string' ? [value.cohort] : [];
}
