/** Attribution as SQL: the touches and conversions of each person in order, what each conversion gives to its touches, and the sums of the groups. */
import type { Asking } from '../../asking/asking.ts';
import { allUnsetSql, keyColumn, keyNames } from '../../events/breakdown.ts';
import { channelSql, type ChannelRule } from '../../events/channels.ts';
import { isOfPerson } from '../../cohorts/membership.ts';
import { hugeSharesSql, shareSumSql } from '../../measures/decimal.ts';
import { byDoersSql } from '../../events/events-of-doers.ts';
import { eventsSql, selectedSql, type EventSelection } from '../../events/events.ts';
import { propertySql } from '../../properties/property.ts';
import { EARLIEST_MS, type TimeRange } from '../../time/range.ts';
import { MODELS, msOf, type Model, type Question } from './question.ts';

/** Touches closer than this are of one visit. */
const VISIT_MS = 30 * 60_000;
const MAX_TOUCHES = 100_000;
/** Parts of a conversion are whole numbers of this (rule A8). */
const WHOLE = 1_000_000_000;
const DIRECT = 'direct';

export function breakdownOf({ breakdown = ['channel'] }: Question): readonly string[] {
  return breakdown;
}

export function modelsOf({ models = [...MODELS] }: Question): readonly Model[] {
  return models;
}

/** Numbers of the breakdown's properties that are of the person and no event: all of a person's touches share them, and who has no touch has them, too (rule A6). */
function personalKeys(question: Question): number[] {
  return breakdownOf(question).flatMap((name, i) => (isOfPerson(name) ? [i] : []));
}

/**
 * SELECT of a row for each touch of each conversion, or of the one that stands for none: person, x (the conversion's worth), the keys
 * k0, …, the parts p0, … by model; and flags that each add up to a count: `is_user`, `is_touchless`.
 */
export async function partsSql(question: Question, asking: Asking): Promise<string> {
  const rules = question.channels ?? (await asking.channels());
  const keys = keyNames(breakdownOf(question).length);
  const parts = modelsOf(question).map((model, i) => ({ name: `p${i}`, sql: partSql(model, msOf(question, 'halfLife')) }));
  const personal = personalKeys(question);
  const unknown = breakdownOf(question).map((name, i) => (personal.includes(i) ? `c.${5 + personal.indexOf(i)}` : `'${name === 'channel' ? `=${DIRECT}` : '-'}'`));
  const none = `(${['toInt64(0)', 'toInt64(0)', `''`, 'toUInt8(1)', ...unknown].join(', ')})`;
  const reached = `(t.1, t.2, t.3) <= (c.1, c.2, c.3) AND t.1 >= c.1 - ${msOf(question, 'lookback')}`;
  const conversions = `SELECT person, c, nth, arrayFilter(t -> ${reached}, touches) AS found, empty(found) AS touchless, if(touchless, [${none}], found) AS own, length(own) AS n, own[n].1 AS last,
    arrayLastIndex(t -> t.4 = 0, own) AS not_direct FROM (${touchesSql(question, rules, asking)}) ARRAY JOIN conversions AS c, arrayEnumerate(conversions) AS nth`;
  // What each touch but the last is given; that takes the rest.
  const given = parts.map(({ name, sql }) => `arrayMap((t, i) -> toInt64(${sql}), arrayPopBack(own), arrayEnumerate(arrayPopBack(own))) AS some_${name}, arrayPushBack(some_${name}, ${WHOLE} - arraySum(some_${name})) AS all_${name}`);
  const weights = modelsOf(question).includes('time_decay') ? [`arraySum(t -> ${weightSql(msOf(question, 'halfLife'))}, own) AS weight`] : [];
  return `SELECT person, c.4 AS x, ${keys.map((key, i) => `t.${5 + i} AS ${key}, `).join('')}${parts.map(({ name }) => `${name}, `).join('')}nth = 1 AND i = 1 AS is_user, touchless AND i = 1 AS is_touchless
FROM (SELECT *, ${[...weights, ...given].join(', ')} FROM (${conversions}))
ARRAY JOIN own AS t, arrayEnumerate(own) AS i, ${parts.map(({ name }) => `all_${name} AS ${name}`).join(', ')}`;
}

/** Of touch t, the i-th of n, that is not the last: its part (rule A7). */
function partSql(model: Model, halfLifeMs: number): string {
  switch (model) {
    case 'first_touch':
      return `if(i = 1, ${WHOLE}, 0)`;
    case 'last_touch':
      return '0';
    case 'last_non_direct':
      return `if(i = not_direct, ${WHOLE}, 0)`;
    case 'linear':
      return `intDiv(${WHOLE}, n)`;
    case 'position_based':
      return `multiIf(n = 2, ${WHOLE * 0.5}, i = 1, ${WHOLE * 0.4}, intDiv(${WHOLE * 0.2}, greatest(n, 3) - 2))`;
    case 'time_decay':
      return `floor(${WHOLE} * (${weightSql(halfLifeMs)}) / weight)`;
  }
}

/** Against the weight of the last touch, so that the greatest is 1 however long ago it was. */
function weightSql(halfLifeMs: number): string {
  return `exp2((t.1 - last) / ${halfLifeMs})`;
}

/** SELECT of a row for each person who converted: person, conversions (time, sequence, eventId, worth, the keys that are personal) and touches (time, sequence, eventId, is direct, keys). */
function touchesSql(question: Question, rules: readonly ChannelRule[], asking: Asking): string {
  const keys = keyNames(breakdownOf(question).length);
  const element = ['at', 'sequence', 'event_id', 'is_conversion', 'is_touch', 'is_direct', 'x', ...keys];
  const { naming, identity } = asking;
  const byActor = `SELECT ${naming.actor}, groupArray((${element.join(', ')})) AS some FROM (${candidates(question, rules, asking)}) WHERE is_conversion OR is_touch GROUP BY ${naming.actor}`;
  const byPerson = `SELECT ${naming.person} AS person, arraySort(groupArrayArray(some)) AS events FROM (${byActor}) AS actors ${naming.join(identity)}
    GROUP BY person HAVING arrayExists(e -> e.4 = 1, events)`;
  const ofTouch = keys.map((_, i) => `e.${8 + i}`);
  const same = ofTouch.length === 0 ? '1' : ofTouch.map((key) => `${key} = ${key.replace('e', 'before')}`).join(' AND ');
  const isRepeat = `i > 1 AND e.1 - before.1 <= ${VISIT_MS} AND (e.6 = 1 OR (${same}))`;
  const ofConversion = ['e.1', 'e.2', 'e.3', 'e.7', ...personalKeys(question).map((i) => ofTouch[i])];
  return `SELECT person, arrayMap(e -> (${ofConversion.join(', ')}), arrayFilter(e -> e.4 = 1, events)) AS conversions, arrayFilter(e -> e.5 = 1, events) AS all_touches,
    arrayMap(e -> (e.1, e.2, e.3, e.6${ofTouch.map((key) => `, ${key}`).join('')}),
      arrayFilter((e, before, i) -> NOT (${isRepeat}), all_touches, arraySlice(arrayPushFront(all_touches, all_touches[1]), 1, length(all_touches)), arrayEnumerate(all_touches))) AS touches
  FROM (${byPerson}) WHERE NOT ignore(throwIf(length(touches) > ${MAX_TOUCHES}, 'too many touches of one person'))`;
}

/** Since when events are read: a visit's touch before the window tells whether one in it is a repeat. */
export function earliestMs(question: Question, { fromMs }: TimeRange): number {
  return Math.max(EARLIEST_MS, fromMs - msOf(question, 'lookback') - VISIT_MS);
}

/** SELECT of the events that may be touches or conversions; where conversions have names, of people with such an event alone. */
function candidates(question: Question, rules: readonly ChannelRule[], { project, identity, naming, range }: Asking): string {
  const { conversion, touch, where, includeBots = false } = question;
  const { fromMs, toMs } = range;
  const channel = channelSql(rules, 'channels');
  const selection: EventSelection = { project, fromMs: earliestMs(question, range), toMs, events: undefined, includeBots, where: [], columns: [] };
  const named = touch?.event === undefined || conversion.event === undefined ? undefined : [...new Set([touch.event, conversion.event].flat())];
  const isConversion = selectedSql({ ...selection, events: conversion.event, where: [[where, 'where'], [conversion.where, 'conversion.where']] });
  const isTouch = touch === undefined ? `ifNull(came_by != 'internal', 0)` : selectedSql({ ...selection, events: touch.event, where: [[touch.where, 'touch.where']] });
  const worth = conversion.value === undefined ? '0' : `ifNull(${propertySql(conversion.value, 'events', 'conversion.value').number}, 0)`;
  const columns = [
    naming.columns, 'toUnixTimestamp64Milli(time) AS at', 'sequence', 'event_id', `${channel} AS came_by`,
    `toUInt8(toUnixTimestamp64Milli(time) >= ${fromMs} AND ${isConversion}) AS is_conversion`,
    `toUInt8(${isTouch}) AS is_touch`,
    `toUInt8(ifNull(came_by = '${DIRECT}', 0)) AS is_direct`,
    `if(is_conversion, toFloat64(${worth}), 0) AS x`,
    ...breakdownOf(question).map((name, i) => keyColumn(name === 'channel' ? 'came_by' : propertySql(name, 'events', `breakdown[${i}]`).text, i)),
  ];
  return `${eventsSql({ ...selection, events: named, columns })} AND ${byDoersSql({ ...selection, fromMs, events: conversion.event }, identity)}`;
}

/**
 * SELECT of the sums of the parts: of all (is_all = 1), and of each group that is shown, in keys k0, … with its `place` (the rest after those
 * shown, the unset last; 0 where no model gave anything): by model n0, … (billionths of conversions), v0, … and h0, … (their values).
 */
export function sumsSql(question: Question, parts: string): string {
  const { limit = 10 } = question;
  const keys = keyNames(breakdownOf(question).length);
  const models = modelsOf(question).map((_, i) => i);
  const sums = models.flatMap((i) => {
    const { plain, huge } = shareSumSql('x', `p${i}`);
    return [`sum(p${i}) AS n${i}`, `${plain} AS v${i}`, `${huge} AS h${i}`];
  });
  const counted = `SELECT ${[...keys, ...sums, 'sum(is_user) AS users', 'sum(is_touchless) AS touchless'].join(', ')} FROM (${parts})${keys.length === 0 ? '' : ` GROUP BY ${keys.join(', ')}`}`;
  const all = [...models.flatMap((i) => [`sum(sums.n${i}) AS n${i}`, `toString(sum(sums.v${i})) AS v${i}`, `${hugeSharesSql(`sums.h${i}`)} AS h${i}`]), 'sum(sums.users) AS users', 'sum(sums.touchless) AS touchless'];
  if (keys.length === 0) return `SELECT 1 AS is_all, 1 AS place, ${all.join(', ')} FROM (${counted}) AS sums`;
  const shown = `(${models.map((i) => `n${i}`).join(' + ')}) > 0`;
  const placed = `SELECT *, ${shown} AS is_shown, ${allUnsetSql(keys.length)} AS is_unset,
    multiIf(NOT is_shown, 0, is_unset, ${limit + 2}, least(row_number() OVER (PARTITION BY is_shown, is_unset ORDER BY n0 DESC, ${keys.join(', ')}), ${limit + 1})) AS place FROM (${counted})`;
  const kept = keys.map((key) => `if(place = ${limit + 1}, '+', ${key}) AS g_${key}`);
  return `SELECT grouping(place) AS is_all, place, ${keys.map((key) => `g_${key} AS ${key}`).join(', ')}, ${all.join(', ')}
FROM (SELECT * , ${kept.join(', ')} FROM (${placed})) AS sums
GROUP BY GROUPING SETS ((place, ${keys.map((key) => `g_${key}`).join(', ')}), ()) ORDER BY is_all DESC, place`;
}
