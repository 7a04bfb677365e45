import { isDeepStrictEqual } from 'node:util';
import { knob } from '../options.ts';
import { WrongCount } from '../oracle/counts.ts';
import { lakeHistory } from '../prepare/lake-history.ts';
import { copyLinked } from '../prepare/linked-copy.ts';
import { HandSql } from '../questions/hand-sql.ts';
import { dailyByHand, STATEMENT, STATEMENT_OF_ALL_JSON } from '../questions/typical/sql.ts';
import { spread, type Measure } from '../report/measure.ts';
import { nextSqlProcessWaits } from '../server/next-sql-process.ts';
import { Server } from '../server/server.ts';
import { newFolder, removeFolder } from '../server/temporary.ts';
import { entry } from './catalogue.ts';

const EVENTS = 2_000_000;
const DAYS = 14;
const DAY_MS = 86_400_000;

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
  const byHand = dailyByHand({ project, fromMs: toMs - DAYS * DAY_MS, toMs, dataPath: copy });
  const [oursMs, ofAllMs, oneMs, allMs, leastMs]: [number[], number[], number[], number[], number[]] = [[], [], [], [], []];
  const timed = async (query: string): Promise<{ rows: unknown[][]; ms: number }> => {
    const startedAt = performance.now();
    const { rows } = await server.api.ask<{ rows: unknown[][] }>('/api/analytics/sql', { query, from, to });
    return { rows, ms: performance.now() - startedAt };
  };
  const { ms: firstMs } = await timed(STATEMENT);
  for (let round = -1; round < rounds; round++) {
    await nextSqlProcessWaits(server);
    const ours = await timed(STATEMENT);
    await nextSqlProcessWaits(server);
    const ofAll = await timed(STATEMENT_OF_ALL_JSON);
    await nextSqlProcessWaits(server);
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
