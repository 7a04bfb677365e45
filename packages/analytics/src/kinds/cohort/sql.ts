/**
 * A cohort as SQL. Events are counted for each condition by actor and then by person; what conditions ask of the person is judged
 * on these rows, one a person.
 */
import { timeLiteral } from '@tidemark/warehouse';
import type { Asking } from '../../asking/asking.ts';
import { chainSql } from '../../chain/chain.ts';
import { COHORT, isOfPerson } from '../../cohorts/membership.ts';
import { eventsSql, namedSql } from '../../events/events.ts';
import { BY_KEY, type Naming } from '../../identity/naming.ts';
import { QuestionError } from '../../question/problem.ts';
import { propertySql } from '../../properties/property.ts';
import { EARLIEST_MS } from '../../time/range.ts';
import { conditionSql, whereSql } from '../../events/where.ts';
import { ANY_EVENT, DEFAULT_WINDOW, isAmongDoers, lengthOf, timesOf, type Counted, type One, type Question, type Sequence } from './question.ts';

/** Whom a cohort is of, and as of when. */
type CohortScope = Pick<Asking, 'project' | 'identity' | 'naming' | 'range' | 'nowMs'>;

/** SELECT of `person`, the keys of the people for whom all conditions hold, each once. Throws a QuestionError. */
export function membersSql(question: Question, scope: CohortScope): string {
  return `SELECT person FROM (${peopleSql(question, scope, isAmongDoers(question) ? 'doers' : 'everybody')}) WHERE is_member`;
}

/**
 * SELECT of person, is_member and, where properties of people are read, user_id and anonymous_id (one of them is ''). `doers`: only
 * those with an event that some condition counts. Throws a QuestionError.
 */
export function peopleSql(question: Question, { naming: wanted, ...of }: CohortScope, whom: 'doers' | 'everybody' = 'everybody'): string {
  const scope = { ...of, naming: namingOf(question, wanted) };
  const counted: CountedCondition[] = [];
  const holds = (condition: One, field: string): string => {
    if ('sequence' in condition) return `person IN (${sequenceSql(question, condition, field, scope)})`;
    if ('property' in condition) return ofPersonSql(condition, field);
    const { atLeast, atMost } = timesOf(condition, field);
    const n = `n${counted.length}`;
    counted.push({ condition, field });
    return `(${n} >= ${atLeast}${atMost === undefined ? '' : ` AND ${n} <= ${atMost}`})`;
  };
  const isMember = question.all.map((item, i) => {
    if (!('any' in item)) return holds(item, `all[${i}]`);
    return `(${item.any.map((condition, j) => holds(condition, `all[${i}].any[${j}]`)).join(' OR ')})`;
  });
  const persons = countsSql(question, counted, scope, whom);
  if (scope.naming !== BY_KEY) return `SELECT person, ${isMember.join(' AND ')} AS is_member FROM (${persons})`;
  return `SELECT person, user_id, anonymous_id, ${isMember.join(' AND ')} AS is_member
FROM (SELECT *, if(startsWith(person, 'u'), substring(person, 2), '') AS user_id, if(startsWith(person, 'a'), substring(person, 2), '') AS anonymous_id FROM (${persons}))`;
}

/** Properties of people are found by keys. */
function namingOf({ all, breakdown = [] }: Question, wanted: Naming): Naming {
  const isOfEvents = all.every((item) => ('any' in item ? item.any : [item]).every((one) => !('property' in one)));
  return isOfEvents && breakdown.length === 0 ? wanted : BY_KEY;
}

interface CountedCondition {
  condition: Counted;
  field: string;
}

/** SELECT of person and n0, n1, …: how many events each condition counts. */
function countsSql(question: Question, counted: readonly CountedCondition[], scope: CohortScope, whom: 'doers' | 'everybody'): string {
  const sums = (expression: (n: string, i: number) => string): string => counted.map((_, i) => `, ${expression(`n${i}`, i)} AS n${i}`).join('');
  const { project, identity, naming, range } = scope;
  const byActor = (events: string, sum: (i: number) => string): string => `SELECT ${naming.actor}${sums((_, i) => sum(i))} FROM (${events}) GROUP BY ${naming.actor}`;
  const everybody = eventsSql({ project, fromMs: EARLIEST_MS, toMs: range.toMs, events: undefined, includeBots: question.includeBots ?? false, where: [], columns: [naming.columns] });
  // Names and times are read of everybody in one pass; what else conditions ask for is read of the events that they name alone.
  const isBare = [question.where, ...counted.map(({ condition }) => condition.where)].every((where = []) => where.length === 0);
  const countedRows = counted.length === 0 ? [] : [byActor(countedEvents(question, counted, scope, whom === 'everybody' && isBare ? 'all' : 'named'), (i) => `sum(m${i})`)];
  const others = whom === 'doers' || (isBare && counted.length > 0) ? [] : [byActor(everybody, () => 'toUInt64(0)')];
  return `SELECT ${naming.person} AS person${sums((n) => `sum(${n})`)} FROM (${[...countedRows, ...others].join(' UNION ALL ')}) AS actors ${naming.join(identity)} GROUP BY person`;
}

/** SELECT of the events that some condition may count, or of all that ever were, with m0, m1, …: 1 where it does. */
function countedEvents(question: Question, counted: readonly CountedCondition[], { naming, project, range }: CohortScope, which: 'named' | 'all'): string {
  const { includeBots = false, where } = question;
  const asked = counted.map(({ condition, field }) => {
    const name = 'did' in condition ? condition.did : condition.didNot;
    const fromMs = condition.within === undefined ? range.fromMs : Math.max(range.toMs - lengthOf(condition.within, `${field}.within`), EARLIEST_MS);
    return { events: name === ANY_EVENT ? undefined : name, fromMs, where: condition.where, field: `${field}.where` };
  });
  const isAll = which === 'all';
  const fromMs = isAll ? EARLIEST_MS : Math.min(...asked.map((each) => each.fromMs));
  const names = !isAll && asked.every(({ events }) => events !== undefined) ? [...new Set(asked.flatMap(({ events }) => events ?? []))] : undefined;
  const columns = asked.map((each, i) => {
    const conditions = [
      ...(each.events === undefined ? [] : [namedSql(each.events)]),
      ...(each.fromMs === fromMs ? [] : [`time >= ${timeLiteral(each.fromMs)}`]),
      whereSql(each.where, 'events', each.field),
    ].filter((sql) => sql !== '1');
    return `toUInt8(${conditions.join(' AND ') || '1'}) AS m${i}`;
  });
  return eventsSql({ project, fromMs, toMs: range.toMs, events: names, includeBots, where: [[where, 'where']], columns: [naming.columns, ...columns] });
}

/** SELECT of the people who complete the steps, the first within the range and the others up to now. */
function sequenceSql(question: Question, { sequence, window = DEFAULT_WINDOW }: Sequence, field: string, { project, identity, naming, range, nowMs }: CohortScope): string {
  const { fromMs, toMs } = range;
  const windowMs = lengthOf(window, `${field}.window`);
  const names = sequence.every(({ event }) => event !== undefined) ? [...new Set(sequence.flatMap(({ event }) => event ?? []))] : undefined;
  const bits = sequence.map(({ event, where }, k) => {
    const conditions = [
      ...(event === undefined ? [] : [namedSql(event)]),
      whereSql(where, 'events', `${field}.sequence[${k}].where`),
      ...(k === 0 ? [`time < ${timeLiteral(toMs)}`] : []),
    ].filter((sql) => sql !== '1');
    return `if(${conditions.join(' AND ') || '1'}, ${2 ** k}, 0)`;
  });
  const rows = eventsSql({
    project, fromMs, toMs: Math.max(toMs, Math.min(toMs + windowMs, nowMs + 1)), events: names, includeBots: question.includeBots ?? false,
    where: [[question.where, 'where']],
    columns: [naming.columns, `toUInt64(toUnixTimestamp64Milli(time) - ${fromMs} + 1) AS at`, 'sequence', 'event_id', `toUInt32(${bits.join(' + ')}) AS mask`],
  });
  const chains = chainSql({
    identity, naming, rows, windowMs, order: 'ordered', steps: [...sequence.keys()], startsBefore: toMs - fromMs + 1,
    servedBy: undefined, optional: [], exclude: [], keys: [], keysFrom: 1, hold: [],
  });
  return `SELECT person FROM (${chains}) WHERE reached = ${sequence.length}`;
}

/** SQL of a condition on the person, over a row of `peopleSql`. */
function ofPersonSql(condition: Extract<One, { property: string }>, field: string): string {
  refuseOthersProperties(condition.property, `${field}.property`);
  return conditionSql(condition, 'events', field);
}

/** Refuses what is no property of a person: people are counted here, not events (rules C4, C8). Throws a QuestionError. */
export function refuseOthersProperties(property: string, field: string): void {
  if (property === COHORT || isOfPerson(property)) return;
  propertySql(property, 'events', field);
  throw new QuestionError({
    code: 'unsupported_combination', field, value: property, rule: 'person.… or a cohort; properties of events belong into the where of a condition',
    detail: `${property} is no property of a person: put it into the where of {"did": …}, or ask for person.….`,
  });
}
