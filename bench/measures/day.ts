import { join } from 'node:path';
import { knob } from '../options.ts';
import { WrongCount } from '../oracle/counts.ts';
import { askInTurns } from '../prepare/ask-in-turns.ts';
import { DAY, DAY_PROJECT, dayOfEvents } from '../prepare/day-of-events.ts';
import { spread, type Measure } from '../report/measure.ts';
import { removeFolder } from '../server/temporary.ts';
import { entry } from './catalogue.ts';

const EVENTS = 5_000_000;
const LINKS = 100_000;
const WITHIN = `project = '${DAY_PROJECT}' AND time >= toDateTime64('${DAY} 00:00:00', 3, 'UTC') AND time < toDateTime64('${DAY} 00:00:00', 3, 'UTC') + toIntervalDay(1)`;

/**
 * A day of 5 million events: its sessions, and its persons with 100,000 devices that belong to users, each against one plain
 * scan that aggregates the same rows by their own ids, in turns. Another way to the same number is asked once, beside.
 */
export async function day(): Promise<Measure[]> {
  const rounds = knob('TIDEMARK_BENCH_ROUNDS', 5);
  const { folder, events, devices, links } = await dayOfEvents(knob('TIDEMARK_BENCH_EVENTS', EVENTS), { links: LINKS });
  const order = { warehousePath: join(folder, 'warehouse'), project: DAY_PROJECT, rounds };
  const range = { from: `${DAY}T00:00:00Z`, to: '2026-05-04T00:00:00Z' };
  const byIds = `SELECT user_id, anonymous_id, count() AS n, min(time) AS since, max(time) AS until FROM events WHERE ${WITHIN} GROUP BY user_id, anonymous_id`;
  const sessions = await askInTurns({
    ...order,
    kind: 'sessions',
    question: { ...range, granularity: 'day' },
    plain: `SELECT count(), sum(n), max(until - since) FROM (${byIds})`,
    // Every device has one user at the most, so its events are one stream.
    second: `SELECT countIf(NOT ok) AS sessions FROM (SELECT time - lagInFrame(time, 1, toDateTime64(0, 3, 'UTC')) OVER (PARTITION BY anonymous_id ORDER BY time) <= 1800 AS ok FROM events WHERE ${WITHIN})`,
  });
  const persons = await askInTurns({
    ...order,
    kind: 'trend',
    question: { ...range, granularity: 'day', series: [{ measure: 'users' }] },
    plain: `SELECT uniqExact(user_id, if(user_id = '', anonymous_id, '')) FROM events WHERE ${WITHIN}`,
    second: `SELECT uniqExact(anonymous_id) AS users FROM events WHERE ${WITHIN}`,
  });
  removeFolder(folder);
  const found = { sessions: (sessions.answer as { sessions: number }).sessions, users: (persons.answer as { series: { total: number }[] }).series[0]?.total };
  const wanted = { ...(sessions.second[0] as object), ...(persons.second[0] as object) };
  const wrong = Object.entries(wanted).filter(([name, count]) => Number(count) !== found[name as keyof typeof found]);
  if (wrong.length > 0) throw new WrongCount(wrong.map(([name, count]) => `${name}: ${found[name as keyof typeof found]}, should be ${String(count)}`));
  const ratio = ({ oursMs, plainMs }: { oursMs: number[]; plainMs: number[] }) => spread(oursMs.map((ms, at) => ms / plainMs[at]!));
  const details = ({ oursMs, plainMs }: { oursMs: number[]; plainMs: number[] }) => ({ events, devices, links, oursMs: spread(oursMs), plainMs: spread(plainMs), ...found });
  return [
    { ...entry('sessions'), what: `the sessions of a day of ${events.toLocaleString('en')} events (${found.sessions.toLocaleString('en')}) against one plain scan by ids`, value: ratio(sessions), details: details(sessions) },
    { ...entry('identity'), what: `the persons of the same day, ${links.toLocaleString('en')} devices of which belong to users, against a count of raw ids`, value: ratio(persons), details: details(persons) },
  ];
}
