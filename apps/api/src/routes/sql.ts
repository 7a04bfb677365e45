/** What SQL queries have beside questions of other kinds: results as files, and an end before their time. */
import { Readable } from 'node:stream';
import { sqlFile, type AskContext } from '@tidemark/analytics';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { Type } from 'typebox';
import type { Static, TSchema } from 'typebox';
import { grantOf } from '../access.ts';
import { completenessHeaders } from '../completeness-headers.ts';
import type { ApiDeps } from '../deps.ts';
import { startReading } from '../first-chunk.ts';
import { Problem } from '../problem.ts';
import { streamed } from '../schemas.ts';

const QueryParams = Type.Object({ queryId: Type.String({ pattern: '^[A-Za-z0-9-]{1,100}$' }) });

export function sqlRoutes(app: FastifyInstance, deps: ApiDeps): void {
  app.route<{ Params: Static<typeof QueryParams> }>({
    method: 'DELETE',
    url: '/api/analytics/sql/:queryId',
    schema: {
      operationId: 'cancelSql',
      summary: 'Stop an SQL query that was asked with this queryId',
      tags: ['questions'],
      params: QueryParams,
      response: { 200: Type.Object({ queryId: Type.String(), status: Type.Literal('cancelled') }) },
    },
    async handler(request) {
      const { queryId } = request.params;
      if (deps.sql?.cancel(grantOf(request).project, queryId) === true) return { queryId, status: 'cancelled' as const };
      throw new Problem('query_not_found', 'No SQL query of this project with that queryId is running; it may have ended.');
    },
  });
}

/** What is answered to a question that may ask for a file. */
export function orFile(answer: TSchema): object {
  const { content } = streamed('All of the result of a query of kind sql with a format.', 'text/csv', 'application/x-ndjson', 'application/vnd.apache.parquet');
  return { description: 'The answer.', content: { 'application/json': { schema: answer }, ...content } };
}

/** Throws what is wrong with the query; one that fails later ends in an aborted response. */
export async function sendSqlFile(body: unknown, context: AskContext, reply: FastifyReply): Promise<FastifyReply> {
  const file = await sqlFile(body, context);
  const chunks = await startReading(file.stream());
  return reply
    .type(file.contentType)
    .headers({ 'content-disposition': `attachment; filename="result.${file.format}"`, 'cache-control': 'no-store', ...completenessHeaders(file.completeness) })
    .send(Readable.from(chunks, { objectMode: false }));
}
