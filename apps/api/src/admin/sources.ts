import { SOURCE_ID_PATTERN } from '@tidemark/control';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { Static } from 'typebox';
import type { AdminDeps } from './deps.ts';
import { administratorOf, ProjectId } from './own-project.ts';
import { Name, SourceShape, toSource } from './shapes.ts';

const NewSource = Type.Object(
  {
    id: Type.Optional(Type.String({ pattern: SOURCE_ID_PATTERN, description: 'Made from the name when absent.' })),
    name: Name,
  },
  { additionalProperties: false },
);
const Sources = Type.Object({ sources: Type.Array(SourceShape) });
const SourceId = Type.Object({ ...ProjectId.properties, source: Type.String({ minLength: 1 }) });

const tags = ['administration'];

export function sourceRoutes(app: FastifyInstance, { control }: AdminDeps): void {
  app.route<{ Params: { id: string } }>({
    method: 'GET',
    url: '/api/projects/:id/sources',
    schema: {
      operationId: 'listSources',
      summary: 'Sources of a project',
      tags,
      params: ProjectId,
      response: { 200: Sources },
    },
    async handler(request): Promise<Static<typeof Sources>> {
      return { sources: (await control.sources.list(administratorOf(request).project)).map(toSource) };
    },
  });

  app.route<{ Params: { id: string }; Body: Static<typeof NewSource> }>({
    method: 'POST',
    url: '/api/projects/:id/sources',
    schema: {
      operationId: 'createSource',
      summary: 'Make a source: a site, an app, a backend',
      tags,
      params: ProjectId,
      body: NewSource,
      response: { 201: SourceShape },
    },
    async handler(request, reply): Promise<Static<typeof SourceShape>> {
      const source = await control.sources.create({ ...administratorOf(request), ...request.body });
      reply.code(201);
      return toSource(source);
    },
  });

  app.route<{ Params: { id: string; source: string } }>({
    method: 'DELETE',
    url: '/api/projects/:id/sources/:source',
    schema: {
      operationId: 'deleteSource',
      summary: 'Delete a source and revoke its keys; its events stay',
      tags,
      params: SourceId,
      response: { 204: Type.Null({ description: 'Deleted.' }) },
    },
    async handler(request, reply) {
      await control.sources.delete({ ...administratorOf(request), id: request.params.source });
      return reply.code(204).send();
    },
  });
}
