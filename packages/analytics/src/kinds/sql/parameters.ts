/** `{from}`, `{to}` and `{name}` in a query (rule Z2): each becomes a literal, so that it is one value whatever is in it, or the list of a cohort's people. */
import { literal, timeLiteral } from '@tidemark/warehouse';
import { QuestionError } from '../../question/problem.ts';
import type { TimeRange } from '../../time/range.ts';

type Scalar = string | number | boolean;
interface OfCohort {
  cohort: string;
}
export type Params = Readonly<Record<string, Scalar | readonly Scalar[] | OfCohort>>;

/** `{name}` and `{name:Type}`; a map's or a JSON text's brace is followed by something else. */
const PARAMETER = /\{(\w+)(?::([^{}]*))?\}/g;

/** Throws a QuestionError. */
export function withParameters(query: string, params: Params, range: TimeRange): string {
  return query.replaceAll(PARAMETER, (_, name: string, type: string | undefined) => {
    const value = valueOf(name, params, range);
    return type === undefined ? value : `CAST(${value}, ${literal(type.trim())})`;
  });
}

/** The saved cohorts that a query asks for by a parameter (rule Z10), each with the view that has its people. */
export function cohortsAsked(query: string, params: Params): { parameter: string; cohort: string; view: string }[] {
  return Object.entries(params).flatMap(([name, value]) => (isOfCohort(value) && namesParameter(query, name) ? [{ parameter: name, cohort: value.cohort, view: viewOfCohort(name) }] : []));
}

function viewOfCohort(parameter: string): string {
  return `people_of_${parameter}`;
}

function isOfCohort(value: Params[string]): value is OfCohort {
  return typeof value === 'object' && 'cohort' in value;
}

/** Whether a query has `{name}` in it. */
export function namesParameter(query: string, name: string): boolean {
  return [...query.matchAll(PARAMETER)].some(([, named]) => named === name);
}

function valueOf(name: string, params: Params, { fromMs, toMs }: TimeRange): string {
  if (name === 'from') return timeLiteral(fromMs);
  if (name === 'to') return timeLiteral(toMs);
  const value = Object.hasOwn(params, name) ? params[name] : undefined;
  if (value === undefined) {
    throw new QuestionError({ code: 'sql_unknown_parameter', field: `params.${name}`, rule: 'a value for each {name} in the query', detail: `The query names {${name}}; give its value in params.` });
  }
  if (isOfCohort(value)) return `(SELECT person_id FROM ${viewOfCohort(name)})`;
  return typeof value === 'object' ? `[${value.map(one).join(', ')}]` : one(value);
}

/** A whole number is written as such, so that it may stand behind LIMIT. */
function one(value: Scalar): string {
  return typeof value === 'number' && Number.isSafeInteger(value) && !Object.is(value, -0) ? String(value) : literal(value);
}
