/** An experiment as SQL: each person's first exposure, what they did after it by metric, and the sums of each variant. */
import { literal, timeLiteral } from '@tidemark/warehouse';
import type { Asking } from '../../asking/asking.ts';
import { allUnsetSql, groupColumns, keyNames } from '../../events/breakdown.ts';
import { decimalSql, isHugeSql } from '../../measures/decimal.ts';
import { eventsSql, selectedSql, type EventSelection } from '../../events/events.ts';
import { orderedBytes } from '../../events/ordered-bytes.ts';
import { propertySql } from '../../properties/property.ts';
import { LATEST_MS } from '../../time/range.ts';
import { MAX_VARIANTS, valueOf, windowMsOf, type Question } from './question.ts';

const MAX_LABEL = 200;
/** Of one more variant than there may be, in every group. */
const MAX_ROWS = (MAX_VARIANTS + 1) * 103;

/**
 * SELECT of a row for each exposed person: person, variant, the keys k0, … of the exposure, is_crossed, is_unfinished, `done` (bit i is set
 * when they did something of metric i), and of metrics that are values d0, … (exact sums) with h0, … (what no Decimal holds, as an array).
 */
export function exposedSql(question: Question, asking: Asking): string {
  const { breakdown = [], metrics } = question;
  const windowMs = windowMsOf(question);
  const keys = keyNames(breakdown.length);
  const sums = metrics.flatMap((metric, i) => {
    const value = valueOf(metric);
    if (value === undefined) return [];
    const own = `arrayFilter(e -> bitTest(e.3, ${i}), after)`;
    if (value === 'events') return [`toDecimal256(length(${own}), 20) AS d${i}`, `emptyArrayFloat64() AS h${i}`];
    const x = `e.${summedPlace(question, i)}`;
    return [`arraySum(e -> if(${isHugeSql(x)}, toDecimal256(0, 20), ${decimalSql(x)}), ${own}) AS d${i}`, `arrayFilter(x -> ${isHugeSql('x')}, arrayMap(e -> ${x}, ${own})) AS h${i}`];
  });
  const counts = `e.1 > first${windowMs === undefined ? '' : ` AND e.2 <= first_at + ${windowMs}`}`;
  const columns = [
    'person', 'variant', ...keys, 'least_variant != greatest_variant AS is_crossed',
    `${windowMs === undefined ? '0' : `first_at + ${windowMs} >= ${asking.nowMs}`} AS is_unfinished`, `arrayFilter(e -> ${counts}, events) AS after`,
    `arrayReduce('groupBitOr', after.3) AS done`, ...sums,
  ];
  return `SELECT ${columns.join(', ')} FROM (${historiesSql(question, asking)})`;
}

/** Where a value stands in the tuple of an event: (place, ms, mask, values …). */
function summedPlace({ metrics }: Question, i: number): number {
  return 4 + metrics.slice(0, i).filter((metric) => typeof metric.measure === 'object').length;
}

/**
 * SELECT of a row for each exposed person: person, of the first exposure `first` (PLACE_SQL), first_at, variant and keys; least_ and
 * greatest_variant (hashes), and events. One text is compared in half the time of a tuple, and a column of the least row is found with it.
 */
function historiesSql(question: Question, asking: Asking): string {
  const { naming } = asking;
  const ofFirst = ['variant', ...keyNames(question.breakdown?.length ?? 0)];
  const values = question.metrics.flatMap((metric, i) => (typeof metric.measure === 'object' ? [`x${i}`] : []));
  const byActor = `SELECT ${naming.actor}, max(is_exposure) AS exposed, minIf(place, is_exposure) AS own_first, minIf(at, is_exposure) AS own_at, ${ofFirst.map((name) => `argMinIf(${name}, place, is_exposure) AS own_${name}, `).join('')}
    minIf(cityHash64(variant), is_exposure) AS low, maxIf(cityHash64(variant), is_exposure) AS high, groupArrayIf(tuple(${['place', 'at', 'mask', ...values].join(', ')}), mask != 0) AS some
    FROM (SELECT *, ${PLACE_SQL} AS place FROM (${candidatesSql(question, asking)}) WHERE is_exposure OR mask != 0) GROUP BY ${naming.actor}`;
  return `SELECT ${naming.person} AS person, minIf(own_first, exposed) AS first, minIf(own_at, exposed) AS first_at, ${ofFirst.map((name) => `argMinIf(own_${name}, own_first, exposed) AS ${name}, `).join('')}
    minIf(low, exposed) AS least_variant, maxIf(high, exposed) AS greatest_variant, groupArrayArray(some) AS events
  FROM (${byActor}) AS actors ${naming.join(asking.identity)} GROUP BY person HAVING max(exposed) = 1`;
}

/** The place of an event among those of its person as a text: by time, sequence and eventId, as bytes from the highest. */
const PLACE_SQL = `concat(${orderedBytes('at')}, ${orderedBytes('sequence')}, event_id)`;

/** SELECT of the events that may be exposures (is_exposure) or count for a metric (bit i of mask). */
function candidatesSql(question: Question, { project, naming, range }: Asking): string {
  const { exposure, metrics, where, includeBots = false, variant = 'properties.variant', breakdown = [] } = question;
  const { fromMs, toMs } = range;
  const selectors = [exposure, ...metrics];
  const named = selectors.some(({ event }) => event === undefined) ? undefined : [...new Set(selectors.flatMap(({ event }) => [event ?? []].flat()))];
  const endMs = Math.min(toMs + (windowMsOf(question) ?? 0), LATEST_MS);
  const selection: EventSelection = { project, fromMs, toMs: endMs, events: named, includeBots, where: [], columns: [] };
  const text = propertySql(variant, 'events', 'variant').text;
  const isExposure = selectedSql({ ...selection, events: exposure.event, where: [[where, 'where'], [exposure.where, 'exposure.where']] });
  const bits = metrics.map((metric, i) => `if(${selectedSql({ ...selection, events: metric.event, where: [[metric.where, `metrics[${i}].where`]] })}, ${2 ** i}, 0)`);
  const values = metrics.flatMap(({ measure }, i) =>
    typeof measure === 'object' ? [`if(bitTest(mask, ${i}), ifNull(${propertySql(measure.sum, 'events', `metrics[${i}].measure.sum`).number}, 0), 0) AS x${i}`] : [],
  );
  const columns = [
    naming.columns, 'toUnixTimestamp64Milli(time) AS at', 'sequence', 'event_id', `ifNull(substringUTF8(${text}, 1, ${MAX_LABEL}), '') AS variant`,
    `toUInt8(time < ${timeLiteral(toMs)} AND isNotNull(${text}) AND ${isExposure}) AS is_exposure`, `toUInt32(${bits.join(' + ')}) AS mask`,
    ...values, ...groupColumns(breakdown, 'events', 'breakdown'),
  ];
  return eventsSql({ ...selection, columns });
}

/**
 * SELECT of the sums of each variant over all (is_all = 1, these first), and of each group that is shown, in keys k0, … with its `place` (the
 * rest after those shown, the unset last): variant, users, crossed, unfinished, n0, … (people of metric i); of values t0, … and g0, … (the
 * sum: exact as text, and what no Decimal holds) and s0, … (squared deviations from the mean, added up from the smallest).
 */
export function sumsSql(question: Question, exposed: string): string {
  const { breakdown = [], limit = 10, metrics } = question;
  const keys = keyNames(breakdown.length);
  const of = keys.map((key) => `${key}, `).join('');
  const values = [...metrics.keys()].filter((i) => valueOf(metrics[i]!) !== undefined);
  const counted = [
    'count() AS users', 'sum(is_crossed) AS crossed', 'sum(is_unfinished) AS unfinished', ...metrics.map((_, i) => `countIf(bitTest(done, ${i})) AS n${i}`),
    ...values.flatMap((i) => [`sum(d${i}) AS t${i}`, `groupArrayArray(h${i}) AS g${i}`, `groupArray(toFloat64(d${i}) + arraySum(arraySort(h${i}))) AS s${i}`]),
  ];
  const merged = [
    ...['users', 'crossed', 'unfinished', ...metrics.map((_, i) => `n${i}`), ...values.map((i) => `t${i}`)].map((name) => `sum(sums.${name}) AS ${name}`),
    ...values.flatMap((i) => [`arraySum(arraySort(groupArrayArray(sums.g${i}))) AS g${i}`, `groupArrayArray(sums.s${i}) AS s${i}`]),
  ];
  const shown = [
    'is_all', 'place', 'variant', ...keys, 'users', 'crossed', 'unfinished', ...metrics.map((_, i) => `n${i}`),
    ...values.flatMap((i) => [`toString(summed.t${i}) AS t${i}`, `summed.g${i} AS g${i}`, `arraySum(arraySort(arrayMap(x -> pow(x - (toFloat64(summed.t${i}) + summed.g${i}) / summed.users, 2), summed.s${i}))) AS s${i}`]),
  ];
  const groups = `SELECT ${of}variant, ${counted.join(', ')} FROM (${exposed}) GROUP BY ${of}variant`;
  if (keys.length === 0) return `SELECT ${shown.join(', ')} FROM (SELECT 1 AS is_all, 0 AS place, variant, ${merged.join(', ')} FROM (${groups}) AS sums GROUP BY variant) AS summed LIMIT ${MAX_ROWS}`;
  const sized = `SELECT *, ${allUnsetSql(keys.length)} AS is_unset, sum(users) OVER (PARTITION BY ${keys.join(', ')}) AS size FROM (${groups})`;
  const placed = `SELECT *, if(is_unset, ${limit + 2}, least(dense_rank() OVER (PARTITION BY is_unset ORDER BY size DESC, ${keys.join(', ')}), ${limit + 1})) AS place FROM (${sized})`;
  const kept = keys.map((key) => `if(place = ${limit + 1}, ${literal('+')}, ${key}) AS g_${key}`).join(', ');
  const grouped = `SELECT grouping(place) AS is_all, place, variant, ${keys.map((key) => `g_${key} AS ${key}`).join(', ')}, ${merged.join(', ')} FROM (SELECT *, ${kept} FROM (${placed})) AS sums
    GROUP BY GROUPING SETS ((place, ${keys.map((key) => `g_${key}`).join(', ')}, variant), (variant))`;
  return `SELECT ${shown.join(', ')} FROM (${grouped}) AS summed ORDER BY is_all DESC, place, variant LIMIT ${MAX_ROWS}`;
}
