import { isDeepStrictEqual } from 'node:util';
import { latencyOf } from '../generate/latency.ts';
import { TEMPLATES } from '../generate/load.ts';
import { EVENTS_PER_BATCH, knob } from '../options.ts';
import { WrongCount } from '../oracle/counts.ts';
import type { VisitsPlan } from '../questions/store/visits.ts';
import { copyOf, removeCopy, storeWithLake } from '../questions/store/store.ts';
import { ALL_KINDS, askedOf, chosenKinds, TYPICAL, type TypicalName } from '../questions/typical/kinds.ts';
import type { Typical } from '../questions/typical/typical.ts';
import { spread, type Measure, type Spread } from '../report/measure.ts';
import { generate } from '../server/generate.ts';
import { Server } from '../server/server.ts';
import { entry } from './catalogue.ts';
import { EVENTS } from './r6.ts';
import { askOver, caughtUp, expectCounted, idleAndLoaded, type Asked, type Window } from './under-ingest.ts';

/** The same number on both sides: the slowest of more is slower. */
const TURNS = 2;
/** Before the store's end: no window of a question, and be it one that is open for a day after its range, reaches what comes in. */
const RANGES_END_MS = 2 * 86_400_000;
/** Until all people of the load have been seen. */
const MOST_SECONDS = 60;

/**
 * R8kinds: the typical question of each kind, `sql` among them, under full ingest against idle, in turns, over a store of ten million events
 * with its lake. A question takes a second, so a window has few of each: the figure is of the slowest. The figure is that of the worst
 * kind. Every answer must be the one that was given first, as the ranges end days before what comes in; in the end a question counts that.
 */
export async function r8Kinds(): Promise<Measure[]> {
  const rounds = knob('TIDEMARK_BENCH_ROUNDS', 3);
  const store = await storeWithLake(knob('TIDEMARK_BENCH_EVENTS', EVENTS));
  const names = chosenKinds(ALL_KINDS);
  const questions = names.map((name) => question(name, { ...store.plan, endMs: store.plan.endMs - RANGES_END_MS }));
  const dataPath = copyOf(store);
  const server = await Server.start({ dataPath });
  // The load's people share devices and names of users with the store's. Once all have been seen, who is who stays as it is, and so do answers.
  const known = await generate(server.port, { seconds: MOST_SECONDS, events: TEMPLATES * EVENTS_PER_BATCH });
  await caughtUp(server.api);
  await askOver(server, questions, { turns: 1 });
  const { idle, loaded, accepted, eventsPerSecond } = await idleAndLoaded(server, { rounds, ask: () => askOver(server, questions, { turns: TURNS }) });
  await expectCounted(server.api, store.plan.endMs, known.accepted + accepted);
  await server.stop();
  removeCopy(dataPath);
  const kinds = kindsUnderIngest(idle, loaded);
  const [worst, { ratio }] = Object.entries(kinds).toSorted(([, a], [, b]) => b.ratio.median - a.ratio.median)[0]!;
  return [
    {
      ...entry('R8kinds'),
      what: `${figureOf(TURNS)} of each kind's typical question in a round under full ingest (${Math.round(eventsPerSecond.median).toLocaleString('en')} events/s accepted) against idle, over ${store.plan.events.toLocaleString('en')} events; the worst of ${names.length}: ${worst}`,
      value: ratio,
      reduced: names.length === ALL_KINDS.length ? [] : [`only ${names.join(', ')}`],
      notes: Object.entries(kinds).map(
        ([name, { ratio: { median, min, max }, idleP50Ms, idleMaxMs, loadedP50Ms, loadedMaxMs, times }]) =>
          `${name}: ${median.toFixed(2)} (${min.toFixed(2)} to ${max.toFixed(2)}); of ${times} idle p50 ${idleP50Ms.toFixed(0)}, slowest ${idleMaxMs.toFixed(0)} ms; of ${times} under load ${loadedP50Ms.toFixed(0)} and ${loadedMaxMs.toFixed(0)} ms`,
      ),
      details: { events: store.plan.events, figure: figureOf(TURNS), turnsARound: TURNS, kinds, eventsPerSecond, accepted },
    },
  ];
}

export interface KindUnderIngest {
  /** How often it was asked on either side, in all rounds. */
  times: number;
  idleP50Ms: number;
  idleMaxMs: number;
  loadedP50Ms: number;
  loadedMaxMs: number;
  /** Round by round: p99 by nearest rank, which of less than a hundred is the slowest. */
  ratio: Spread;
}

/** Of each question that the windows have; round by round both sides have asked it as often. */
export function kindsUnderIngest(idle: readonly Window[], loaded: readonly Window[]): Record<string, KindUnderIngest> {
  const of = (name: string): KindUnderIngest => {
    const [atRest, underLoad] = [idle, loaded].map((windows) => windows.map((window) => window[name] ?? [])) as [number[][], number[][]];
    if (atRest.some(({ length }, round) => length !== underLoad[round]?.length)) throw new Error(`${name} was not asked as often at rest as under load`);
    const [ofIdle, ofLoaded] = [latencyOf(atRest.flat()), latencyOf(underLoad.flat())];
    const ratio = spread(atRest.map((ms, round) => latencyOf([...underLoad[round]!]).p99Ms / latencyOf([...ms]).p99Ms));
    return { times: atRest.flat().length, idleP50Ms: ofIdle.p50Ms, idleMaxMs: ofIdle.maxMs, loadedP50Ms: ofLoaded.p50Ms, loadedMaxMs: ofLoaded.maxMs, ratio };
  };
  return Object.fromEntries(Object.keys(idle[0] ?? {}).map((name) => [name, of(name)]));
}

/** What the p99 of so many is: by nearest rank the largest, where there are fewer than a hundred. */
export function figureOf(times: number): string {
  return times < 100 ? `the slowest of ${times}` : `the p99 of ${times}`;
}

function question(name: TypicalName, plan: VisitsPlan): Asked {
  const { path, told }: Typical = TYPICAL[name];
  let first: unknown;
  return {
    name,
    path: `/api/analytics/${path}`,
    body: askedOf(TYPICAL[name], plan),
    check: (answer) => {
      const found = told(answer as never);
      first ??= found;
      if (!isDeepStrictEqual(found, first)) throw new WrongCount([`${name} answers ${JSON.stringify(found).slice(0, 300)}, and answered ${JSON.stringify(first).slice(0, 300)} before`]);
    },
  };
}
