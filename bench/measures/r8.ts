import { latencyOf, type Latency } from '../generate/latency.ts';
import { knob } from '../options.ts';
import { WrongCount } from '../oracle/counts.ts';
import { dashboardQuestions, type DashboardQuestion } from '../questions/dashboard.ts';
import { copyOf, questionStore, removeCopy } from '../questions/store/store.ts';
import { spread, type Measure } from '../report/measure.ts';
import { quiet } from '../resources/quiet.ts';
import { generate } from '../server/generate.ts';
import { Server } from '../server/server.ts';
import { entry } from './catalogue.ts';
import { EVENTS } from './r6.ts';

/** The least number of times that the set is asked in a window, whatever its length. */
const LEAST_TURNS = 8;

interface Window {
  all: Latency;
  msByQuestion: Record<string, number[]>;
}

/**
 * R8: p99 of what the dashboard asks while events come in as fast as they are answered, against the same with none, in turns.
 * The questions come one after another without a pause, over a store of ten million events. In the end a question counts
 * every event that was accepted. R8sql: the same while as many SQL queries as may run at once join all events with all events.
 */
export async function r8(): Promise<Measure[]> {
  const rounds = knob('TIDEMARK_BENCH_ROUNDS', 3);
  const seconds = knob('TIDEMARK_BENCH_SECONDS', 12);
  const store = await questionStore(knob('TIDEMARK_BENCH_EVENTS', EVENTS));
  const dataPath = copyOf(store);
  const server = await Server.start({ dataPath });
  const questions = await dashboardQuestions(server);
  await askFor(server, questions, 0);
  const [idle, loaded, besideSql, rates]: [Window[], Window[], Window[], number[]] = [[], [], [], []];
  let accepted = 0;
  for (let round = 0; round < rounds; round++) {
    await quiet(server.processes());
    idle.push(await askFor(server, questions, seconds));
    // The load lasts as long as the questions do; the generator is told more than enough and ends with its last batch.
    const load = generate(server.port, { seconds: seconds + 4 });
    const asked = askFor(server, questions, seconds);
    const [result, window] = await Promise.all([load, asked]);
    loaded.push(window);
    accepted += result.accepted;
    rates.push(result.eventsPerSecond);
    await caughtUp(server);
    await quiet(server.processes());
    besideSql.push(await whileSqlRuns(server, () => askFor(server, questions, seconds)));
  }
  // The store's own events end before; a range that moves with the clock would lose some of them meanwhile.
  const counted = await countSince(server, store.plan.endMs);
  await server.stop();
  removeCopy(dataPath);
  if (counted !== accepted) throw new WrongCount([`events counted by a question: ${counted}, should be ${accepted}`]);
  const p50Ms = (windows: readonly Window[]) => Object.fromEntries(questions.map(({ name }) => [name, spread(windows.flatMap(({ msByQuestion }) => msByQuestion[name] ?? [])).median]));
  const maxMs = (windows: readonly Window[]) => Object.fromEntries(questions.map(({ name }) => [name, Math.max(...windows.flatMap(({ msByQuestion }) => msByQuestion[name] ?? []))]));
  const p99Ms = (windows: readonly Window[]) => spread(windows.map(({ all }) => all.p99Ms));
  const [idleMs, loadedMs, besideMs] = [p99Ms(idle), p99Ms(loaded), p99Ms(besideSql)];
  const toIdle = (windows: readonly Window[]) => spread(windows.map(({ all }, at) => all.p99Ms / idle[at]!.all.p99Ms));
  return [
    {
      ...entry('R8'),
      what: `p99 of the dashboard's ${questions.length} questions under full ingest (${Math.round(spread(rates).median).toLocaleString('en')} events/s accepted) against idle, over ${store.plan.events.toLocaleString('en')} events`,
      value: toIdle(loaded),
      notes: [`p99 idle ${idleMs.median.toFixed(0)} ms, under load ${loadedMs.median.toFixed(0)} ms; p50 ${spread(idle.map(({ all }) => all.p50Ms)).median.toFixed(0)} and ${spread(loaded.map(({ all }) => all.p50Ms)).median.toFixed(0)} ms`],
      details: { events: store.plan.events, idleP99Ms: idleMs, loadedP99Ms: loadedMs, idleP50Ms: p50Ms(idle), loadedP50Ms: p50Ms(loaded), loadedMaxMs: maxMs(loaded), eventsPerSecond: spread(rates), accepted },
    },
    {
      ...entry('R8sql'),
      what: `p99 of the dashboard's ${questions.length} questions while ${ENDLESS} SQL queries join all events of the lake with all events, against idle`,
      value: toIdle(besideSql),
      notes: [`p99 idle ${idleMs.median.toFixed(0)} ms, beside SQL ${besideMs.median.toFixed(0)} ms`],
      details: { idleP99Ms: idleMs, besideSqlP99Ms: besideMs, besideSqlP50Ms: p50Ms(besideSql), besideSqlMaxMs: maxMs(besideSql) },
    },
  ];
}

/** As many as one project may have at once. */
const ENDLESS = 2;
const JOIN = 'SELECT count() FROM events AS a CROSS JOIN events AS b WHERE cityHash64(a.event_id, b.event_id) % 7 = 3';

/** Throws when one of the queries has ended before `work` has. */
async function whileSqlRuns<Result>(server: Server, work: () => Promise<Result>): Promise<Result> {
  const range = { from: '2000-01-01', to: 'now' };
  const running = Array.from({ length: ENDLESS }, (_, at) => {
    const queryId = `endless-${at}`;
    const ended = server.api.ask('/api/analytics/sql', { query: JOIN, queryId, ...range }).then(() => 'an answer', (error: unknown) => String(error));
    return { queryId, ended };
  });
  await new Promise((resume) => setTimeout(resume, STARTED_MS));
  const result = await work();
  for (const { queryId, ended } of running) {
    const early = await Promise.race([ended, Promise.resolve(undefined)]);
    if (early !== undefined) throw new Error(`an SQL query that was to run meanwhile has ended with ${early}`);
    await server.api.ask(`/api/analytics/sql/${queryId}`, {}, 'DELETE');
    await ended;
  }
  return result;
}

/** They are judged and run by then. */
const STARTED_MS = 2_000;

/** The set over and over for so many seconds, at least LEAST_TURNS times; 0 = once. */
async function askFor(server: Server, questions: readonly DashboardQuestion[], seconds: number): Promise<Window> {
  const tookMs: number[] = [];
  const msByQuestion: Record<string, number[]> = {};
  const startedAt = performance.now();
  for (let turn = 0; turn === 0 || (seconds > 0 && (turn < LEAST_TURNS || performance.now() - startedAt < seconds * 1000)); turn++) {
    for (const { name, path, body } of questions) {
      const askedAt = performance.now();
      await server.api.ask(path, body);
      const ms = performance.now() - askedAt;
      tookMs.push(ms);
      (msByQuestion[name] ??= []).push(ms);
    }
  }
  return { all: latencyOf(tookMs), msByQuestion };
}

async function countSince({ api }: Server, fromMs: number): Promise<number> {
  const range = { from: new Date(fromMs).toISOString(), to: new Date(Date.now() + 86_400_000).toISOString() };
  const { series } = await api.ask<{ series: { total: number }[] }>('/api/analytics/trend', { series: [{ measure: 'events' }], ...range, granularity: 'month', includeBots: true, cache: false });
  return series[0]?.total ?? 0;
}

async function caughtUp({ api }: Server): Promise<void> {
  for (const until = Date.now() + 300_000; (await api.lag()) !== 0; await new Promise((resume) => setTimeout(resume, 50))) {
    if (Date.now() > until) throw new Error('not everything was processed within 300 s');
  }
}
