import { isDeepStrictEqual } from 'node:util';
import { join } from 'node:path';
import { knob } from '../options.ts';
import { WrongCount } from '../oracle/counts.ts';
import { DAY, DAY_PROJECT, dayOfEvents } from '../prepare/day-of-events.ts';
import { rollupRounds } from '../prepare/rollup-rounds.ts';
import { spread, type Measure } from '../report/measure.ts';
import { removeFolder } from '../server/temporary.ts';
import { entry } from './catalogue.ts';

const OWN_EVENTS = 5_000_000;
/** As many as `npm run bench -- own` has time for. */
const FEW_EVENTS = 1_000_000;
const LINKS = 100_000;
const NEXT_DAY = '2026-05-04';
/** What they stand for, of plain columns alone and without sets: the same rows, read once and aggregated by quarter. */
const PLAIN = `SELECT count() AS groups, sum(n) AS events, sum(users) AS users FROM (
  SELECT count() AS n, uniqExact(user_id, if(user_id = '', anonymous_id, '')) AS users FROM events WHERE project = '${DAY_PROJECT}'
  GROUP BY event_name, toStartOfFifteenMinutes(time), source, bot, country, device_type)`;

/**
 * A day whose 96 quarters of an hour are all dirty: a round of the job that makes their rollups again, against one plain
 * scan that aggregates the same rows, in turns. Then trends of them are asked with and without rollups, which must agree.
 */
async function rollups(ownEvents: number): Promise<Measure[]> {
  const { folder, events, links } = await dayOfEvents(knob('TIDEMARK_BENCH_EVENTS', ownEvents), { links: LINKS, documents: true });
  const series = [{ measure: 'users' }, { measure: 'events' }];
  const range = { from: `${DAY}T00:00:00Z`, to: `${NEXT_DAY}T00:00:00Z`, granularity: 'hour' };
  const { oursMs, plainMs, buckets, rows, bytes, answers } = await rollupRounds({
    warehousePath: join(folder, 'warehouse'),
    project: DAY_PROJECT,
    properties: ['properties.item'],
    questions: [{ ...range, series }, { ...range, series, breakdown: ['context.campaign.source'] }, { ...range, series, breakdown: ['properties.item'], limit: 5 }],
    plain: PLAIN,
    rounds: knob('TIDEMARK_BENCH_ROUNDS', 3),
  });
  removeFolder(folder);
  const wrong = answers.flatMap(({ fromRollups, fromEvents, buckets: taken }, i) => [
    ...(isDeepStrictEqual(fromRollups, fromEvents) ? [] : [`trend ${i}: rollups and events answer differently`]),
    ...(taken > 0 ? [] : [`trend ${i}: nothing was taken from rollups`]),
  ]);
  if (buckets !== 96) wrong.push(`quarters that a round made anew: ${buckets}, should be 96`);
  if (wrong.length > 0) throw new WrongCount(wrong);
  return [
    {
      ...entry('rollups'),
      what: `the rollups of ${buckets} dirty quarters of an hour (${events.toLocaleString('en')} events), by the fixed dimensions and one named property, against one plain scan by quarter`,
      value: spread(oursMs.map((ms, at) => ms / plainMs[at]!)),
      ...(events < OWN_EVENTS && { reduced: [`${events.toLocaleString('en')} events instead of ${OWN_EVENTS.toLocaleString('en')}`] }),
      details: {
        events, links, rows, bytes, oursMs: spread(oursMs), plainMs: spread(plainMs), microsPerEvent: (spread(oursMs).median * 1000) / events,
        trends: answers.map(({ rollupsMs, eventsMs }) => ({ rollupsMs, eventsMs })),
      },
    },
  ];
}

export const rollupsOfDay = (): Promise<Measure[]> => rollups(OWN_EVENTS);
export const rollupsOfFewer = (): Promise<Measure[]> => rollups(FEW_EVENTS);
