import { latencyOf, type Latency } from '../generate/latency.ts';
import { knob } from '../options.ts';
import { dashboardQuestions } from '../questions/dashboard.ts';
import { copyOf, questionStore, removeCopy } from '../questions/store/store.ts';
import { spread, type Measure } from '../report/measure.ts';
import { quiet } from '../resources/quiet.ts';
import { Server } from '../server/server.ts';
import { entry } from './catalogue.ts';
import { besideEndlessSql, ENDLESS, otherProject, WITHOUT_END } from './endless-sql.ts';
import { EVENTS } from './r6.ts';
import { askOver, expectCounted, idleAndLoaded, type Window } from './under-ingest.ts';

/** The least number of times that the set is asked in a window, whatever its length. */
const LEAST_TURNS = 8;

/**
 * R8: p99 of what the dashboard asks while events come in as fast as they are answered, against the same with none, in turns.
 * The questions come one after another without a pause, over a store of ten million events. In the end a question counts
 * every event that was accepted. R8sql: the same while as many SQL queries as may run at once, of two projects, join all events with
 * all events.
 */
export async function r8(): Promise<Measure[]> {
  const rounds = knob('TIDEMARK_BENCH_ROUNDS', 3);
  const seconds = knob('TIDEMARK_BENCH_SECONDS', 12);
  const store = await questionStore(knob('TIDEMARK_BENCH_EVENTS', EVENTS));
  const dataPath = copyOf(store);
  const server = await Server.start({ dataPath, env: WITHOUT_END });
  const questions = await dashboardQuestions(server);
  const other = await otherProject(server);
  await askOver(server, questions, { turns: 1 });
  const ask = (): Promise<Window> => askOver(server, questions, { turns: LEAST_TURNS, seconds });
  const besideSql: Window[] = [];
  const { idle, loaded, accepted, eventsPerSecond } = await idleAndLoaded(server, {
    rounds, ask,
    andThen: async () => {
      await quiet(server.processes());
      besideSql.push(await besideEndlessSql(server, other, ask));
    },
  });
  await expectCounted(server.api, store.plan.endMs, accepted);
  await server.stop();
  removeCopy(dataPath);
  const each = (windows: readonly Window[], figure: (ms: readonly number[]) => number) => Object.fromEntries(questions.map(({ name }) => [name, figure(windows.flatMap((window) => window[name] ?? []))]));
  const p50Ms = (windows: readonly Window[]) => each(windows, (ms) => spread(ms).median);
  const maxMs = (windows: readonly Window[]) => each(windows, (ms) => Math.max(...ms));
  const all = (window: Window): Latency => latencyOf(Object.values(window).flat());
  const p99Ms = (windows: readonly Window[]) => spread(windows.map((window) => all(window).p99Ms));
  const p50OfAllMs = (windows: readonly Window[]) => spread(windows.map((window) => all(window).p50Ms)).median;
  const [idleMs, loadedMs, besideMs] = [p99Ms(idle), p99Ms(loaded), p99Ms(besideSql)];
  const toIdle = (windows: readonly Window[]) => spread(windows.map((window, at) => all(window).p99Ms / all(idle[at]!).p99Ms));
  return [
    {
      ...entry('R8'),
      what: `p99 of the dashboard's ${questions.length} questions under full ingest (${Math.round(eventsPerSecond.median).toLocaleString('en')} events/s accepted) against idle, over ${store.plan.events.toLocaleString('en')} events`,
      value: toIdle(loaded),
      notes: [`p99 idle ${idleMs.median.toFixed(0)} ms, under load ${loadedMs.median.toFixed(0)} ms; p50 ${p50OfAllMs(idle).toFixed(0)} and ${p50OfAllMs(loaded).toFixed(0)} ms`],
      details: { events: store.plan.events, idleP99Ms: idleMs, loadedP99Ms: loadedMs, idleP50Ms: p50Ms(idle), loadedP50Ms: p50Ms(loaded), loadedMaxMs: maxMs(loaded), eventsPerSecond, accepted },
    },
    {
      ...entry('R8sql'),
      what: `p99 of the dashboard's ${questions.length} questions while ${ENDLESS} SQL queries of two projects join all events of their lakes with all events, against idle`,
      value: toIdle(besideSql),
      notes: [`p99 idle ${idleMs.median.toFixed(0)} ms, beside SQL ${besideMs.median.toFixed(0)} ms`],
      details: { queries: ENDLESS, idleP99Ms: idleMs, besideSqlP99Ms: besideMs, besideSqlP50Ms: p50Ms(besideSql), besideSqlMaxMs: maxMs(besideSql) },
    },
  ];
}
