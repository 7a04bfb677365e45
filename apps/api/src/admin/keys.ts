import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { Static } from 'typebox';
import type { AdminDeps } from './deps.ts';
import { administratorOf, ProjectId } from './own-project.ts';
import { Limits, toWriteKey, WriteKeyShape } from './shapes.ts';

const NewKey = Type.Object(
  {
    source: Type.String({ minLength: 1, description: 'Id of the source that the key lets events in to.' }),
    limits: Type.Optional(Limits),
  },
  { additionalProperties: false },
);
const NewLimits = Type.Object({ limits: Limits }, { additionalProperties: false });
const Keys = Type.Object({ keys: Type.Array(WriteKeyShape) });
const KeyId = Type.Object({ ...ProjectId.properties, key: Type.String({ minLength: 1 }) });

const tags = ['administration'];

export function keyRoutes(app: FastifyInstance, { control }: AdminDeps): void {
  app.route<{ Params: { id: string } }>({
    method: 'GET',
    url: '/api/projects/:id/keys',
    schema: {
      operationId: 'listKeys',
      summary: 'Write keys of a project',
      tags,
      params: ProjectId,
      response: { 200: Keys },
    },
    async handler(request): Promise<Static<typeof Keys>> {
      return { keys: (await control.keys.list(administratorOf(request).project)).map(toWriteKey) };
    },
  });

  app.route<{ Params: { id: string }; Body: Static<typeof NewKey> }>({
    method: 'POST',
    url: '/api/projects/:id/keys',
    schema: {
      operationId: 'createKey',
      summary: 'Issue a write key; collectors take it within two seconds',
      tags,
      params: ProjectId,
      body: NewKey,
      response: { 201: WriteKeyShape },
    },
    async handler(request, reply): Promise<Static<typeof WriteKeyShape>> {
      const key = await control.keys.create({ ...administratorOf(request), ...request.body });
      reply.code(201);
      return toWriteKey(key);
    },
  });

  app.route<{ Params: { id: string; key: string }; Body: Static<typeof NewLimits> }>({
    method: 'PUT',
    url: '/api/projects/:id/keys/:key',
    schema: {
      operationId: 'setKeyLimits',
      summary: 'Set or lift the rate limits of a write key',
      tags,
      params: KeyId,
      body: NewLimits,
      response: { 200: WriteKeyShape },
    },
    async handler(request): Promise<Static<typeof WriteKeyShape>> {
      const { limits } = request.body;
      return toWriteKey(await control.keys.setLimits({ ...administratorOf(request), key: request.params.key, limits }));
    },
  });

  app.route<{ Params: { id: string; key: string } }>({
    method: 'DELETE',
    url: '/api/projects/:id/keys/:key',
    schema: {
      operationId: 'revokeKey',
      summary: 'Revoke a write key for good; collectors refuse it within two seconds',
      tags,
      params: KeyId,
      response: { 204: Type.Null({ description: 'Revoked.' }) },
    },
    async handler(request, reply) {
      await control.keys.revoke({ ...administratorOf(request), key: request.params.key });
      return reply.code(204).send();
    },
  });
}
