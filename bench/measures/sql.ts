import { isDeepStrictEqual } from 'node:util';
import { join } from 'node:path';
import { literal } from '@tidemark/warehouse';
import { knob } from '../options.ts';
import { WrongCount } from '../oracle/counts.ts';
import { lakeHistory } from '../prepare/lake-history.ts';
import { copyLinked } from '../prepare/linked-copy.ts';
import { HandSql } from '../questions/hand-sql.ts';
import { ACTOR, joinPersons, PERSON } from '../questions/typical/persons.ts';
import { spread, type Measure } from '../report/measure.ts';
import { Server } from '../server/server.ts';
import { newFolder, removeFolder } from '../server/temporary.ts';
import { entry } from './catalogue.ts';

const EVENTS = 2_000_000;
const DAYS = 14;
const DAY_MS = 86_400_000;
const WAIT_MS = 30_000;

/**
 * Of each day: how much happened, how many people came, how many of them bought, and what that was worth. `worth`: as by hand, where the
 * JSON of purchases alone is read; or as one writes it who doesn't think of that, and it is read of every event.
 */
const asked = (worth: string): string => `SELECT toDate(time) AS day, count() AS events, uniqExact(person_id) AS people, uniqExactIf(person_id, event_name = 'purchase') AS buyers,
    round(${worth}, 2) AS worth
  FROM events WHERE time >= {from} AND time < {to} AND NOT bot GROUP BY day ORDER BY day`;
const ASKED = asked("sum(if(event_name = 'purchase', JSONExtractFloat(properties, 'price'), 0))");
const ASKED_OF_ALL = asked("sumIf(JSONExtractFloat(properties, 'price'), event_name = 'purchase')");

/**
 * A statement of somebody's own through the API, which the engine judges and estimates first, and which runs in a process of its own
 * over the lake's files, on one thread: against the same by hand over the same files in an engine that is up, on one thread, too; and
 * on all, beside. Each is asked when the next process waits, as of somebody who asks again; the first of all finds none. Persons are told
 * by hand as in R6. The tables `events` and `timeline` are empty, as SQL reads neither.
 */
export async function sql(): Promise<Measure[]> {
  const rounds = knob('TIDEMARK_BENCH_ROUNDS', 5);
  const events = knob('TIDEMARK_BENCH_EVENTS', EVENTS);
  const [dataPath, copy] = [newFolder(), newFolder()];
  await lakeHistory(dataPath, events);
  copyLinked(dataPath, copy);
  const server = await Server.start({ dataPath });
  const hand = await HandSql.open(copy);
  const { current: project } = await server.api.ask<{ current: string }>('/api/projects');
  const toMs = Math.floor(Date.now() / DAY_MS) * DAY_MS;
  const [from, to] = [toMs - DAYS * DAY_MS, toMs].map((ms) => new Date(ms).toISOString());
  const byHand = `SELECT toDate(time) AS day, count() AS events, uniqExact(${PERSON}) AS people, uniqExactIf(${PERSON}, is_purchase) AS buyers, round(sum(price), 2) AS worth
    FROM (SELECT time, ${ACTOR} AS actor, event_name = 'purchase' AS is_purchase, if(is_purchase, JSONExtractFloat(properties, 'price'), 0) AS price FROM file(${literal(join(copy, 'lake/date=*/**/*.parquet'))}, 'Parquet')
      WHERE project = ${literal(project)} AND bot = 0 AND time >= fromUnixTimestamp64Milli(${toMs - DAYS * DAY_MS}) AND time < fromUnixTimestamp64Milli(${toMs})) AS rows
    ${joinPersons(project)} GROUP BY day ORDER BY day SETTINGS use_hive_partitioning = 0`;
  const [oursMs, ofAllMs, oneMs, allMs, leastMs]: [number[], number[], number[], number[], number[]] = [[], [], [], [], []];
  const timed = async (query: string): Promise<{ rows: unknown[][]; ms: number }> => {
    const startedAt = performance.now();
    const { rows } = await server.api.ask<{ rows: unknown[][] }>('/api/analytics/sql', { query, from, to });
    return { rows, ms: performance.now() - startedAt };
  };
  const { ms: firstMs } = await timed(ASKED);
  for (let round = -1; round < rounds; round++) {
    await nextWaits(server);
    const ours = await timed(ASKED);
    await nextWaits(server);
    const ofAll = await timed(ASKED_OF_ALL);
    await nextWaits(server);
    const one = await hand.run(`${byHand}, max_threads = 1`);
    const onAll = await hand.run(byHand);
    const least = await timed('SELECT 1');
    const wanted = one.rows.map(({ day, events: all, people, buyers, worth }) => [day, all, people, buyers, worth]);
    const wrong = [ours, ofAll].find(({ rows }) => wanted.length !== DAYS || !isDeepStrictEqual(rows, wanted));
    if (wrong !== undefined) throw new WrongCount([`SQL answers ${JSON.stringify(wrong.rows).slice(0, 300)}, should be ${JSON.stringify(wanted).slice(0, 300)}`]);
    // The first round warms up.
    if (round < 0) continue;
    oursMs.push(ours.ms);
    ofAllMs.push(ofAll.ms);
    oneMs.push(one.ms);
    allMs.push(onAll.ms);
    leastMs.push(least.ms);
  }
  await hand.close();
  await server.stop();
  removeFolder(dataPath);
  removeFolder(copy);
  const ratio = (under: readonly number[], over = oursMs) => spread(over.map((ms, at) => ms / under[at]!));
  const toAll = ratio(allMs);
  return [
    {
      ...entry('sql'),
      what: `a statement of one's own through the API against the same by hand over the same files, both on one thread, ${events.toLocaleString('en')} events`,
      value: ratio(oneMs),
      notes: [
        `${spread(oursMs).median.toFixed(0)} ms, by hand ${spread(oneMs).median.toFixed(0)} ms; on all cores ${spread(allMs).median.toFixed(0)} ms (ratio ${toAll.median.toFixed(2)})`,
        `with sumIf, which reads the JSON of every event: ${spread(ofAllMs).median.toFixed(0)} ms (ratio ${ratio(oneMs, ofAllMs).median.toFixed(2)})`,
        `SELECT 1 through the API, which is the judge, a process and its files: ${spread(leastMs).median.toFixed(0)} ms`,
        `the first of all, for which no process waits: ${firstMs.toFixed(0)} ms`,
      ],
      details: { events, firstMs, oursMs: spread(oursMs), ofAllMs: spread(ofAllMs), oneThreadMs: spread(oneMs), allThreadsMs: spread(allMs), leastMs: spread(leastMs), toAllThreads: toAll },
    },
  ];
}

/** Resolves when a process has started for the next question. */
async function nextWaits(server: Server): Promise<void> {
  for (const deadline = Date.now() + WAIT_MS; !((await server.api.waitingForSql()) > 0); ) {
    if (Date.now() > deadline) throw new Error(`no process waits for the next SQL question after ${WAIT_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
