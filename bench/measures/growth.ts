import { knob } from '../options.ts';
import { questionStore, storeWithLake } from '../questions/store/store.ts';
import { ALL_KINDS, chosenKinds } from '../questions/typical/kinds.ts';
import { spread, type Measure } from '../report/measure.ts';
import { entry } from './catalogue.ts';
import { askAll } from './r6.ts';

const OWN_SIZES = [1_000_000, 10_000_000, 50_000_000];

/** Codes that say that a question is more than one may be, by its memory, time or rows. */
const REFUSALS = ['question_too_expensive', 'sql_reads_too_much', 'sql_timeout', 'sql_out_of_memory'];

export interface GrowthPoint {
  events: number;
  /** Median through the API, ms; absent where it was refused. */
  oursMs: Record<string, number>;
  handMs: Record<string, number>;
}

/**
 * The typical question of each kind as the store grows: the points of the chart. `sql` is asked of the store's lake, and is held against
 * the same on one thread. With TIDEMARK_BENCH_EVENTS of one store alone.
 */
export async function growth(): Promise<Measure[]> {
  const rounds = knob('TIDEMARK_BENCH_ROUNDS', 3);
  const largest = OWN_SIZES.at(-1)!;
  const only = knob('TIDEMARK_BENCH_EVENTS', largest);
  const sizes = only === largest ? OWN_SIZES : [only];
  const points: GrowthPoint[] = [];
  const refused: Record<string, string> = {};
  for (const events of sizes) {
    const point: GrowthPoint = { events, oursMs: {}, handMs: {} };
    for (const name of chosenKinds(ALL_KINDS)) {
      const store = await (name === 'sql' ? storeWithLake : questionStore)(events);
      try {
        const [asked] = await askAll(store, [name], { rounds, isInTime: false });
        point.oursMs[name] = asked!.oursMs.median;
        point.handMs[name] = asked!.handMs.median;
        const pages = Object.entries(asked!.pages).map(([whose, ms]) => `; people of its ${whose}: ${ms.map((each) => each.toFixed(0)).join(' and ')} ms`);
        console.error(`       ${name} of ${events.toLocaleString('en')} events: ${asked!.oursMs.median.toFixed(0)} ms, by hand ${asked!.handMs.median.toFixed(0)} ms${pages.join('')}`);
      } catch (error) {
        // What is more than a question may take says so; the chart then has no point there.
        if (!(error instanceof Error) || !REFUSALS.some((code) => error.message.includes(code))) throw error;
        refused[`${name} of ${events.toLocaleString('en')} events`] = error.message.slice(0, 300);
        console.error(`       ${name} of ${events.toLocaleString('en')} events: refused`);
      }
    }
    points.push(point);
  }
  const last = points.at(-1)!;
  return [
    {
      ...entry('growth'),
      what: `the slowest of the typical questions at ${last.events.toLocaleString('en')} events`,
      value: spread([Math.max(...Object.values(last.oursMs))]),
      notes: [...points.map(({ events, oursMs }) => `${events.toLocaleString('en')}: ${Object.entries(oursMs).map(([name, ms]) => `${name} ${ms.toFixed(0)} ms`).join(', ')}`), ...Object.entries(refused).map(([what, why]) => `${what}: ${why}`)],
      details: { points, refused },
    },
  ];
}
