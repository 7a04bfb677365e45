/** POST /api/events/export: events as one streamed file. */
import { Readable } from 'node:stream';
import { exportEvents, ExportRequest } from '@tidemark/analytics';
import type { FastifyInstance } from 'fastify';
import { grantOf } from '../access.ts';
import { cohortLookup } from '../cohort-lookup.ts';
import { DEFAULT_LIMITS } from '../deps.ts';
import type { ApiDeps } from '../deps.ts';
import { completenessHeaders } from '../completeness-headers.ts';
import { counted, startReading } from '../first-chunk.ts';
import { Problem } from '../problem.ts';
import { streamed } from '../schemas.ts';

export function exportRoutes(app: FastifyInstance, deps: ApiDeps): void {
  const { exports: atOnce } = { ...DEFAULT_LIMITS, ...deps.limits };
  let running = 0;

  app.route({
    method: 'POST',
    url: '/api/events/export',
    config: { describedBody: ExportRequest, longLived: true },
    schema: {
      operationId: 'exportEvents',
      summary: 'Events of a range of time as a file, one event a line; bots included',
      description:
        'csv and parquet hold the top-level columns, with properties, context and traits as JSON. ' +
        'A failure on the way cuts the connection: a file that ended well is whole.',
      tags: ['events'],
      response: {
        200: streamed('The file.', 'application/x-ndjson', 'text/csv', 'application/vnd.apache.parquet'),
      },
    },
    async handler(request, reply) {
      const { project } = grantOf(request);
      const identity = await deps.identities?.of(project);
      const file = exportEvents(request.body ?? {}, { project, warehouse: deps.warehouse, clock: deps.clock, freshness: deps.processor, ...(identity && { identity }), cohort: cohortLookup(deps.control) });
      const completeness = await file.begin();
      if (running >= atOnce) {
        const detail = `${atOnce} exports are running, which is as many as may: try again when one has ended.`;
        throw new Problem('too_many_exports', detail, { headers: { 'retry-after': '5' } });
      }
      running++;
      const broken = (err: unknown) => request.log.error({ err }, 'an export broke off');
      const chunks = await startReading(counted(file.stream(), () => running--, broken));
      return reply
        .type(file.contentType)
        .headers({ 'content-disposition': `attachment; filename="events.${file.format}"`, 'cache-control': 'no-store', ...completenessHeaders(completeness) })
        .send(Readable.from(chunks, { objectMode: false }));
    },
  });
}
