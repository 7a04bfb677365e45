/** GET /api/users/{id}/timeline: the ordered actions of one person. */
import { timelineQuery } from '@tidemark/analytics';
import type { TimelinePage } from '@tidemark/analytics';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { Static } from 'typebox';
import { grantOf } from '../access.ts';
import type { ApiDeps } from '../deps.ts';
import { NextCursor, OutputEventShape } from '../schemas.ts';

const Person = Type.Object({ id: Type.String({ minLength: 1, description: 'Any id of the person.' }) });
const Page = Type.Object(
  {
    from: Type.Optional(Type.String({ description: 'RFC 3339, a date, -1h, today, …' })),
    to: Type.Optional(Type.String({ description: 'As from; exclusive.' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, default: 100 })),
    cursor: Type.Optional(Type.String({ description: 'nextCursor of the page before.' })),
    order: Type.Optional(Type.Unsafe<'asc' | 'desc'>({ type: 'string', enum: ['asc', 'desc'], default: 'asc' })),
  },
  { additionalProperties: false },
);

export function timelineRoutes(app: FastifyInstance, { warehouse, clock, identities }: ApiDeps): void {
  app.route<{ Params: Static<typeof Person>; Querystring: Static<typeof Page> }>({
    method: 'GET',
    url: '/api/users/:id/timeline',
    schema: {
      operationId: 'getTimeline',
      summary: 'Events of one person in order, over all the ids of the person; bots included',
      tags: ['events'],
      params: Person,
      querystring: Page,
      response: { 200: Type.Object({ events: Type.Array(OutputEventShape), nextCursor: NextCursor }) },
    },
    handler(request): Promise<TimelinePage> {
      return timelineQuery(
        { id: request.params.id, ...request.query },
        { project: grantOf(request).project, warehouse, clock, ...(identities && { identities }) },
      );
    },
  });
}
