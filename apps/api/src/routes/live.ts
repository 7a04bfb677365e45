/** GET /api/events/live: what became of each event, told after the commit, as server-sent events. */
import type { Outcome } from '@tidemark/processor';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { grantOf, tokenOf } from '../access.ts';
import { DEFAULT_LIMITS } from '../deps.ts';
import type { ApiDeps } from '../deps.ts';
import { createLiveFeed } from '../live.ts';
import { Problem } from '../problem.ts';
import { streamed } from '../schemas.ts';

const OUTCOMES = ['stored', 'duplicate', 'quarantined', 'filtered', 'rejected'] as const satisfies readonly Outcome[];

const Query = Type.Object(
  {
    token: Type.Optional(Type.String({ description: 'The API token: EventSource can send no headers.' })),
    outcome: Type.Optional(
      Type.Array(Type.Unsafe<Outcome>({ type: 'string', enum: [...OUTCOMES] }), { description: 'Only these.' }),
    ),
    eventName: Type.Optional(Type.Array(Type.String(), { description: 'Only these.' })),
  },
  { additionalProperties: false },
);

export function liveRoutes(app: FastifyInstance, deps: ApiDeps): void {
  const limits = { ...DEFAULT_LIMITS, ...deps.limits };
  const feed = createLiveFeed({ processor: deps.processor, metrics: deps.metrics, limits });
  app.addHook('preClose', async () => feed.close());

  app.route<{ Querystring: { outcome?: Outcome[]; eventName?: string[] } }>({
    method: 'GET',
    url: '/api/events/live',
    config: { access: 'query-token', longLived: true },
    // HEAD would open a stream that nobody reads.
    exposeHeadRoute: false,
    schema: {
      operationId: 'watchEvents',
      summary: 'Server-sent events: `event:` is the outcome, `data:` says of which event',
      description:
        'At most a few hundred outcomes of each commit are shown. A reader that falls 1 MB behind is dropped.',
      tags: ['events'],
      querystring: Query,
      response: { 200: streamed('A stream of server-sent events.', 'text/event-stream') },
    },
    async handler(request, reply) {
      const { project } = grantOf(request);
      if (feed.size >= limits.liveReaders) {
        const detail = `${limits.liveReaders} readers watch already, which is as many as may: close another one.`;
        throw new Problem('too_many_live_readers', detail, { headers: { 'retry-after': '5' } });
      }
      const { outcome, eventName } = request.query;
      const token = tokenOf(request);
      const reader = {
        project,
        outcomes: outcome === undefined ? undefined : new Set(outcome),
        eventNames: eventName === undefined ? undefined : new Set(eventName),
        stillAllowed: async () => token !== undefined && (await deps.control.authenticateToken(token)) !== undefined,
      };
      reply.hijack();
      feed.attach(reader, reply.raw);
    },
  });
}
