/**
 * What clients captured and we never got, measured by the numbers that our SDKs give their events (sdks/SPEC.md, E4): a
 * number between two that arrived, and didn't arrive itself, was lost. Blind at the ends: what was lost before the first
 * and after the last event of a device in the hour is not seen. What is on its way by another tab counts until it is here.
 * Write keys are public, and anybody can forge a number: what one device can claim is bounded (protocol A4).
 */
import { literal, timeLiteral } from '@tidemark/warehouse';
import type { Warehouse } from '@tidemark/warehouse';
import { Type } from 'typebox';
import type { Static } from 'typebox';
import { Count, Time } from '../schemas.ts';

export const ClientLoss = Type.Object(
  {
    from: Time,
    sources: Type.Array(
      Type.Object({
        source: Type.String(),
        devices: Type.Integer({ minimum: 0, description: 'Devices and processes that number their events.' }),
        expected: Type.Integer({ minimum: 0, description: 'Numbers from the first to the last that arrived of each.' }),
        arrived: Count,
        refused: Type.Integer({ minimum: 0, description: 'Of the source in that time: quarantined, filtered and rejected; they have numbers too.' }),
        reported: Type.Integer({ minimum: 0, description: 'Dropped by the clients themselves, which said so.' }),
        lost: Type.Integer({ minimum: 0, description: 'expected less all of these.' }),
        doubtful: Type.Integer({ minimum: 0, description: 'Devices with more numbers missing than they are believed: 1,000 and ten for each that arrived.' }),
      }),
    ),
  },
  { description: 'Loss before the collector, over events of the last hour; read beside, once a minute or less often.' },
);

const WINDOW_MS = 3_600_000;
/** Some 40 bytes a device and number; of an hour with more it is not told. */
const MAX_MEMORY_BYTES = 512 << 20;
/** How many numbers may be missing of one device: more than that has lost its storage, or forges. */
const BELIEVED = { numbers: 1_000, perArrived: 10 };

/** One scan of the hour's events; `context` is read for the few words that our SDKs put into it. */
export async function readClientLoss(warehouse: Warehouse, project: string, nowMs: number): Promise<Static<typeof ClientLoss>> {
  const fromMs = nowMs - WINDOW_MS;
  const [numbered, refused] = await Promise.all([
    warehouse.query<Record<'devices' | 'expected' | 'arrived' | 'reported' | 'doubtful', number> & { source: string }>(
      `SELECT source, count() AS devices, sum(numbers) + sum(missing) AS expected, sum(numbers) AS arrived,
         sum(least(dropped, missing)) AS reported, countIf(gap > missing) AS doubtful
       FROM (
         SELECT source, if(position(context, '"instanceId"') > 0, JSONExtractString(context, 'instanceId'), anonymous_id) AS counter,
           uniqExact(sequence) AS numbers, max(sequence) - min(sequence) + 1 - numbers AS gap,
           least(gap, ${BELIEVED.numbers} + ${BELIEVED.perArrived} * numbers) AS missing,
           sum(if(position(context, '"dropped"') > 0, arraySum(mapValues(JSONExtract(context, 'library', 'dropped', 'Map(String, UInt32)'))), 0)) AS dropped
         FROM events
         WHERE project = ${literal(project)} AND time >= ${timeLiteral(fromMs)} AND sequence > 0
         GROUP BY source, counter
       ) GROUP BY source ORDER BY source SETTINGS max_threads = 1, max_memory_usage = ${MAX_MEMORY_BYTES}`,
    ),
    warehouse.query<{ source: string; events: number }>(
      `SELECT source, sum(events) AS events FROM outcomes
       WHERE project = ${literal(project)} AND outcome IN ('quarantined', 'filtered', 'rejected') AND minute >= ${timeLiteral(fromMs)}
       GROUP BY source`,
    ),
  ]);
  const refusedBy = new Map(refused.rows.map(({ source, events }) => [source, Number(events)]));
  return {
    from: new Date(fromMs).toISOString(),
    sources: numbered.rows.map((row) => {
      const [devices, expected, arrived, reported, doubtful] = [row.devices, row.expected, row.arrived, row.reported, row.doubtful].map(Number) as [number, number, number, number, number];
      const missing = expected - arrived;
      const refusedHere = Math.min(missing, refusedBy.get(row.source) ?? 0);
      return { source: row.source, devices, expected, arrived, refused: refusedHere, reported, lost: Math.max(0, missing - refusedHere - reported), doubtful };
    }),
  };
}
