/** /api/rebuild: tables made again from the lake, beside the live ones, for `tidemark rebuild`. */
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { Static } from 'typebox';
import { adminOf } from '../access.ts';
import type { ApiDeps } from '../deps.ts';
import { Problem } from '../problem.ts';
import { RebuildRequestShape, RebuildShape, toRebuild, toRequest } from './shapes.ts';

const REFUSALS = ['rebuild_running', 'rebuild_no_room', 'rebuild_nothing'] as const;

const WHY = 'A rebuild is of every project, so it';
const tags = ['operations'];

export function rebuildRoutes(app: FastifyInstance, { rebuilds, control }: ApiDeps): void {
  app.route<{ Body: Static<typeof RebuildRequestShape> | null }>({
    method: 'POST',
    url: '/api/rebuild',
    schema: {
      operationId: 'beginRebuild',
      summary: 'Make the tables again from the lake, beside the live ones, and swap them in; takes an admin token',
      description: 'Of every project. Events go on being taken and questions answered. It goes on by itself after a restart; GET tells how far it is.',
      tags,
      body: Type.Union([RebuildRequestShape, Type.Null()]),
      response: { 202: RebuildShape },
    },
    async handler(request, reply): Promise<Static<typeof RebuildShape>> {
      const actor = adminOf(request, WHY);
      const asked = toRequest(request.body ?? {});
      if (rebuilds === undefined) throw new Problem('not_ready', 'This engine makes no rebuilds.');
      const begun = await rebuilds.begin(asked).catch((error: unknown) => {
        const { code, message } = error as { code?: unknown; message?: string };
        const known = REFUSALS.find((each) => each === code);
        throw known === undefined ? error : new Problem(known, message ?? '', { cause: error });
      });
      await control.audit.note({ ...actor, action: 'rebuild.begin', subject: JSON.stringify(request.body ?? {}) });
      reply.code(202);
      return toRebuild(begun);
    },
  });

  app.route({
    method: 'GET',
    url: '/api/rebuild',
    schema: {
      operationId: 'getRebuild',
      summary: 'The rebuild that runs, or the last one: how far it is, how long it will take, why it failed; takes an admin token',
      tags,
      response: { 200: RebuildShape },
    },
    async handler(request): Promise<Static<typeof RebuildShape>> {
      adminOf(request, WHY);
      return toRebuild(rebuilds?.view());
    },
  });

  app.route({
    method: 'DELETE',
    url: '/api/rebuild',
    schema: {
      operationId: 'cancelRebuild',
      summary: 'Cancel the rebuild: the tables stay as they are; takes an admin token',
      tags,
      response: { 200: RebuildShape },
    },
    async handler(request): Promise<Static<typeof RebuildShape>> {
      const actor = adminOf(request, WHY);
      if (!(await rebuilds?.cancel())) throw new Problem('rebuild_not_running', 'No rebuild runs that could be cancelled: GET /api/rebuild tells how the last one ended.');
      await control.audit.note({ ...actor, action: 'rebuild.cancel', subject: '' });
      return toRebuild(rebuilds?.view());
    },
  });
}
