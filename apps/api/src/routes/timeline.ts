/** GET /api/users/{id}/timeline: the ordered actions of one person. */
import { timelineJson } from '@tidemark/analytics';
import { freeMemory } from '@tidemark/warehouse';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { Type } from 'typebox';
import type { Static } from 'typebox';
import { grantOf } from '../access.ts';
import type { ApiDeps } from '../deps.ts';
import { CompletenessShape, NextCursor, OutputEventShape } from '../schemas.ts';

const Person = Type.Object({ id: Type.String({ minLength: 1, description: 'Any id of the person.' }) });
const Page = Type.Object(
  {
    from: Type.Optional(Type.String({ description: 'RFC 3339, a date, -1h, today, …' })),
    to: Type.Optional(Type.String({ description: 'As from; exclusive.' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, default: 100 })),
    cursor: Type.Optional(Type.String({ description: 'nextCursor of the page before.' })),
    order: Type.Optional(Type.Unsafe<'asc' | 'desc'>({ type: 'string', enum: ['asc', 'desc'], default: 'asc' })),
    waitFor: Type.Optional(Type.String({ description: 'A receivedAt: it waits up to 10 s until that much is in, then answers anyway.' })),
  },
  { additionalProperties: false },
);

export function timelineRoutes(app: FastifyInstance, { warehouse, clock, identities, processor }: ApiDeps): void {
  app.route<{ Params: Static<typeof Person>; Querystring: Static<typeof Page> }>({
    method: 'GET',
    url: '/api/users/:id/timeline',
    schema: {
      operationId: 'getTimeline',
      summary: 'Events of one person in order, over all the ids of the person; bots included',
      tags: ['events'],
      params: Person,
      querystring: Page,
      response: { 200: Type.Object({ events: Type.Array(OutputEventShape), nextCursor: NextCursor, meta: CompletenessShape }) },
    },
    async handler(request, reply): Promise<FastifyReply> {
      const page = await timelineJson(
        { id: request.params.id, ...request.query },
        { project: grantOf(request).project, warehouse, clock, freshness: processor, ...(identities && { identities }) },
      );
      reply.raw.once('finish', () => freeMemory(page));
      return reply.type('application/json; charset=utf-8').send(page);
    },
  });
}
