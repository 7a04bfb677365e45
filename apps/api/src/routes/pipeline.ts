/** GET /api/pipeline: where every event of the project is, how far behind the stores are, and what they cost. */
import { readHubs } from '@tidemark/analytics';
import { literal, whenMemoryIsFree } from '@tidemark/warehouse';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { Static } from 'typebox';
import { grantOf } from '../access.ts';
import type { ApiDeps } from '../deps.ts';
import type { DiskUsage } from '../disk.ts';
import { toLastRound } from '../jobs/shapes.ts';
import { readBeside } from '../read-beside.ts';
import { Count, Time } from '../schemas.ts';
import { toRfc3339 } from '../times.ts';
import { ClientLoss, readClientLoss } from './client-loss.ts';
import { Rollups, rollupsOf } from './pipeline-rollups.ts';

const Balance = Type.Object({
  received: Count,
  stored: Count,
  duplicate: Count,
  conflict: Type.Integer({ minimum: 0, description: 'Of the duplicates: same id, other content.' }),
  quarantined: Count,
  filtered: Count,
  rejected: Count,
  pending: Type.Integer({ minimum: 0, description: 'Acknowledged, not yet processed.' }),
  difference: Type.Integer({ description: 'received less all the rest; anything but 0 is a fault of ours.' }),
});

const OrNull = (type: 'string' | 'number', description: string) => ({ type: [type, 'null'], description });

const Job = Type.Object({
  name: Type.String(),
  everyMs: Count,
  lastRun: Type.Unsafe<string | null>({
    ...OrNull('string', 'End of the last round; null before the first.'),
    format: 'date-time',
  }),
  lastDurationMs: Type.Unsafe<number | null>(OrNull('number', 'Of the last round.')),
  lastResult: Type.Unsafe<string | null>(
    OrNull('string', 'What the last round that succeeded did; null when there was nothing to do.'),
  ),
  lastError: Type.Unsafe<string | null>(
    OrNull('string', 'Why the last round failed; null when it did not. Only an admin token is told the words.'),
  ),
});

const Pipeline = Type.Object({
  asOf: Type.String({ format: 'date-time', description: 'Every event acknowledged up to here is in the stores.' }),
  watermark: Type.String({
    format: 'date-time',
    description: 'Event times before this are complete, allowed lateness aside.',
  }),
  balance: Balance,
  log: Type.Object({
    epoch: Type.String(),
    partitions: Type.Array(
      Type.Object({ partition: Count, startOffset: Count, committedOffset: Count, endOffset: Count, watermark: Time }),
    ),
  }),
  lag: Type.Object({ records: Count, ms: Type.Number({ minimum: 0 }) }),
  freshness: Type.Object(
    { p50Ms: Type.Number(), p99Ms: Type.Number() },
    { description: 'From acknowledged to queryable.' },
  ),
  lateness: Type.Object(
    {
      events: Count,
      p50Ms: Type.Number(),
      p99Ms: Type.Number(),
      maxMs: Type.Number(),
      sinceStart: Type.Object(
        {
          events: Count,
          behindWatermark: Type.Integer({ minimum: 0, description: 'Event time before the watermark: an answer that was complete changed.' }),
          buckets: Type.Array(Type.Object({ upToMs: Type.Unsafe<number | null>(OrNull('number', 'Inclusive; null = later than all others.')), events: Count })),
        },
        { description: "All stored events since the engine's start." },
      ),
    },
    { description: 'receivedAt less event time, over the events among the last 100,000 records.' },
  ),
  rollups: Rollups,
  identities: Type.Object({
    hubs: Type.Integer({ minimum: 0, description: 'Ids that are no person, as counted a minute or two ago: GET /api/identities?flag=hub lists them.' }),
  }),
  clientLoss: Type.Unsafe<Static<typeof ClientLoss> | null>({ anyOf: [ClientLoss, { type: 'null' }], description: 'null when the hour has more than can be looked at, or could not be read.' }),
  dedup: Type.Object({ ids: Count, windowStart: Time, memoryBytes: Count }),
  disk: Type.Object({
    stores: Type.Record(Type.String(), Count),
    freeBytes: Count,
    tables: Type.Array(Type.Object({ table: Type.String(), rows: Count, bytes: Count, parts: Count })),
  }),
  failing: Type.Array(
    Type.Object({
      part: Type.String({ description: 'warehouse, lake, positions, log or processor.' }),
      since: Time,
      error: Type.Unsafe<string | null>(OrNull('string', 'Why; only an admin token is told.')),
    }),
    { description: 'Parts that fail again and again, so that lag grows; nothing acknowledged is lost by that.' },
  ),
  valves: Type.Integer({ minimum: 0, description: 'Valves that stop events at the door at present: see GET /api/valves.' }),
  jobs: Type.Array(Job, { description: 'What the engine does beside, such as retention, and how the last rounds went; GET /api/jobs has more.' }),
});

/** Lateness is read from the last records only: the offset's index makes that cheap at any size. */
const LATENESS_RECORDS = 100_000;

export function pipelineRoutes(app: FastifyInstance, deps: ApiDeps, diskUsage: () => Promise<DiskUsage>): void {
  const hubCount = readBeside((project) => whenMemoryIsFree(async () => (await readHubs(project, deps.warehouse)).length), deps.clock);
  const clientLoss = readBeside((project) => whenMemoryIsFree(() => readClientLoss(deps.warehouse, project, deps.clock())), deps.clock);
  app.route({
    method: 'GET',
    url: '/api/pipeline',
    schema: {
      operationId: 'getPipeline',
      summary: 'Balance, lag, freshness, watermark, sizes on disk and jobs',
      tags: ['operations'],
      response: { 200: Pipeline },
    },
    async handler(request): Promise<Static<typeof Pipeline>> {
      const { project, admin } = grantOf(request);
      const status = deps.processor.status();
      const [balance, lateness, disk, tables, valves, jobs, rollups, hubs, loss] = await Promise.all([
        deps.processor.balance(project),
        whenMemoryIsFree(() => latenessOf(deps, project, status)),
        diskUsage(),
        whenMemoryIsFree(() => tableSizes(deps)),
        deps.control.valves.list(project),
        deps.jobs?.list() ?? [],
        whenMemoryIsFree(() => rollupsOf(deps, project)),
        hubCount(project),
        // What is lost elsewhere must not hide what happens here.
        clientLoss(project).catch((error: unknown) => (request.log.warn({ err: error }, 'loss before the collector could not be read'), null)),
      ]);
      const { partition, committedOffset, endOffset } = status;
      const watermark = toRfc3339(status.watermarkMs);
      const startOffset = deps.log.startOffset('events', partition);
      return {
        asOf: toRfc3339(status.asOfMs),
        watermark,
        balance,
        log: { epoch: status.epoch, partitions: [{ partition, startOffset, committedOffset, endOffset, watermark }] },
        lag: { records: status.lag, ms: status.lagMs },
        freshness: status.freshness,
        lateness: { ...lateness, sinceStart: sinceStart(deps, project) },
        rollups,
        identities: { hubs },
        clientLoss: loss,
        dedup: {
          ids: status.dedup.ids,
          windowStart: toRfc3339(status.dedup.windowStartMs),
          memoryBytes: status.dedup.memoryBytes,
        },
        disk: { ...disk, tables },
        failing: (deps.failing?.() ?? []).map(({ part, sinceMs, error }) => ({
          part,
          since: toRfc3339(sinceMs),
          error: admin ? error : null,
        })),
        valves: valves.filter(({ expiresAtMs }) => expiresAtMs === null || expiresAtMs > deps.clock()).length,
        jobs: jobs.map((job) => toLastRound(job, admin)),
      };
    },
  });
}

function sinceStart({ processor }: ApiDeps, project: string): Static<typeof Pipeline>['lateness']['sinceStart'] {
  const { events, behindWatermark, buckets } = processor.lateness().get(project) ?? { events: 0, behindWatermark: 0, buckets: [] };
  return { events, behindWatermark, buckets };
}

interface Lateness {
  events: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
}

async function latenessOf(deps: ApiDeps, project: string, { epoch, partition, committedOffset }: { epoch: string; partition: number; committedOffset: number }): Promise<Lateness> {
  const from = Math.max(0, committedOffset - LATENESS_RECORDS);
  const sql = `
    SELECT count() AS events, q[1] AS p50Ms, q[2] AS p99Ms, max(ms) AS maxMs, quantilesExact(0.5, 0.99)(ms) AS q
    FROM (
      SELECT greatest(0, toUnixTimestamp64Milli(received_at) - toUnixTimestamp64Milli(time)) AS ms
      FROM events
      WHERE project = ${literal(project)} AND epoch = ${literal(epoch)} AND partition = ${partition} AND offset >= ${from}
    )`;
  const { rows } = await deps.warehouse.query<Lateness & { q: unknown }>(sql, { timeoutMs: 10_000 });
  const [row] = rows;
  if (row === undefined || row.events === 0) return { events: 0, p50Ms: 0, p99Ms: 0, maxMs: 0 };
  const { events, p50Ms, p99Ms, maxMs } = row;
  return { events, p50Ms, p99Ms, maxMs };
}

interface TableSize {
  table: string;
  rows: number;
  bytes: number;
  /** Of which each is looked into for what is asked of the table. */
  parts: number;
}

async function tableSizes(deps: ApiDeps): Promise<TableSize[]> {
  const sql = `
    SELECT table, sum(rows) AS rows, sum(bytes_on_disk) AS bytes, count() AS parts
    FROM system.parts WHERE active AND database = currentDatabase() GROUP BY table ORDER BY table`;
  return (await deps.warehouse.query<TableSize>(sql, { timeoutMs: 10_000 })).rows;
}
