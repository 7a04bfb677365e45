import { isDeepStrictEqual } from 'node:util';
import { knob } from '../options.ts';
import { WrongCount } from '../oracle/counts.ts';
import { HandSql } from '../questions/hand-sql.ts';
import { copyOf, questionStore, removeCopy } from '../questions/store/store.ts';
import { FUNNEL_STEPS } from '../questions/store/visits.ts';
import { ACTOR, joinPersons, PERSON, within } from '../questions/typical/persons.ts';
import { wholeRange } from '../questions/typical/typical.ts';
import { spread, type Measure } from '../report/measure.ts';
import { Server } from '../server/server.ts';
import { entry } from './catalogue.ts';
import { EVENTS } from './r6.ts';

const WINDOW_MS = 7 * 86_400_000;

/**
 * R7: a funnel of five steps through the API, with its times, against the number of distinct persons over the same rows, which
 * any answer about people has to find out. The people of each step are held against the engine's own `windowFunnel`.
 */
export async function r7(): Promise<Measure[]> {
  const rounds = knob('TIDEMARK_BENCH_ROUNDS', 5);
  const store = await questionStore(knob('TIDEMARK_BENCH_EVENTS', EVENTS));
  const { from, to } = wholeRange(store.plan);
  const of = { project: store.plan.project, fromMs: Date.parse(from), toMs: Date.parse(to) };
  const [ours, theirs] = [copyOf(store), copyOf(store)];
  const server = await Server.start({ dataPath: ours });
  const hand = await HandSql.open(theirs);
  const rows = `SELECT ${ACTOR} AS actor FROM events WHERE ${within(of, FUNNEL_STEPS)} GROUP BY actor`;
  const persons = `SELECT uniqExact(person) AS persons FROM (SELECT ${PERSON} AS person FROM (${rows}) AS actors ${joinPersons(of.project)})`;
  const rawIds = `SELECT uniqExact(user_id, if(user_id = '', anonymous_id, '')) AS actors FROM events WHERE ${within(of, FUNNEL_STEPS)}`;
  const levels = FUNNEL_STEPS.map((name) => `event_name = '${name}'`).join(', ');
  const reached = `SELECT ${FUNNEL_STEPS.map((_, i) => `countIf(level > ${i})`).join(', ')} FROM (SELECT ${PERSON} AS person, windowFunnel(${WINDOW_MS})(at, ${levels}) AS level
    FROM (SELECT ${ACTOR} AS actor, toUInt64(toUnixTimestamp64Milli(time)) AS at, event_name FROM events WHERE ${within(of, FUNNEL_STEPS)}) AS rows ${joinPersons(of.project)} GROUP BY person)`;
  const wanted = Object.values((await hand.run(reached)).rows[0] ?? {}).map(Number);
  const [funnelMs, personsMs, rawMs]: [number[], number[], number[]] = [[], [], []];
  let counted: unknown;
  for (let round = -1; round < rounds; round++) {
    const startedAt = performance.now();
    const { steps } = await server.api.ask<{ steps: { users: number }[] }>('/api/analytics/funnel', { steps: FUNNEL_STEPS.map((event) => ({ event })), window: '7d', from, to, cache: false });
    const tookMs = performance.now() - startedAt;
    const found = steps.map(({ users }) => users);
    if (!isDeepStrictEqual(found, wanted)) throw new WrongCount([`people of the steps: ${found.join(', ')}, should be ${wanted.join(', ')}`]);
    const plain = await hand.run(persons);
    const raw = await hand.run(rawIds);
    counted = { ...plain.rows[0], ...raw.rows[0] };
    // The first round warms up.
    if (round < 0) continue;
    funnelMs.push(tookMs);
    personsMs.push(plain.ms);
    rawMs.push(raw.ms);
  }
  await hand.close();
  await server.stop();
  removeCopy(ours);
  removeCopy(theirs);
  const ratio = (under: readonly number[]) => spread(funnelMs.map((ms, at) => ms / under[at]!));
  const toRawIds = ratio(rawMs);
  return [
    {
      ...entry('R7'),
      what: `a funnel of 5 steps through the API against uniqExact(person) over the same rows, ${store.plan.events.toLocaleString('en')} events (${wanted[0]?.toLocaleString('en')} people did step 1, ${wanted.at(-1)?.toLocaleString('en')} all)`,
      value: ratio(personsMs),
      notes: [`against uniqExact of raw ids, without persons: ${toRawIds.median.toFixed(2)}`],
      details: { events: store.plan.events, funnelMs: spread(funnelMs), personsMs: spread(personsMs), rawIdsMs: spread(rawMs), toRawIds, reached: wanted, counted },
    },
  ];
}
