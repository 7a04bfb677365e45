import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { Static } from 'typebox';
import { grantOf } from '../access.ts';
import { Problem } from '../problem.ts';
import type { AdminDeps } from './deps.ts';
import { administratorOf, ProjectId } from './own-project.ts';
import { ApiTokenShape, Name, NewApiTokenShape, toApiToken, toNewApiToken } from './shapes.ts';

const NewToken = Type.Object(
  { name: Name, admin: Type.Optional(Type.Boolean({ description: 'Only an admin token can make another one.' })) },
  { additionalProperties: false },
);
const Tokens = Type.Object({ tokens: Type.Array(ApiTokenShape) });
const TokenId = Type.Object({ ...ProjectId.properties, token: Type.String({ minLength: 1 }) });

const tags = ['administration'];

export function tokenRoutes(app: FastifyInstance, { control }: AdminDeps): void {
  app.route<{ Params: { id: string } }>({
    method: 'GET',
    url: '/api/projects/:id/tokens',
    schema: {
      operationId: 'listTokens',
      summary: 'API tokens of a project',
      tags,
      params: ProjectId,
      response: { 200: Tokens },
    },
    async handler(request): Promise<Static<typeof Tokens>> {
      return { tokens: (await control.tokens.list(administratorOf(request).project)).map(toApiToken) };
    },
  });

  app.route<{ Params: { id: string }; Body: Static<typeof NewToken> }>({
    method: 'POST',
    url: '/api/projects/:id/tokens',
    schema: {
      operationId: 'createToken',
      summary: 'Make an API token; it is shown this once',
      tags,
      params: ProjectId,
      body: NewToken,
      response: { 201: NewApiTokenShape },
    },
    async handler(request, reply): Promise<Static<typeof NewApiTokenShape>> {
      const administrator = administratorOf(request);
      const { name, admin = false } = request.body;
      if (admin && !grantOf(request).admin)
        throw new Problem('forbidden', 'Only an admin token can make an admin token.');
      const token = await control.tokens.create({ ...administrator, name, admin });
      reply.code(201).header('cache-control', 'no-store');
      return toNewApiToken(token);
    },
  });

  app.route<{ Params: { id: string; token: string } }>({
    method: 'DELETE',
    url: '/api/projects/:id/tokens/:token',
    schema: {
      operationId: 'revokeToken',
      summary: 'Revoke an API token by its id, for good; the last of a project and the last admin token stay',
      tags,
      params: TokenId,
      response: { 204: Type.Null({ description: 'Revoked.' }) },
    },
    async handler(request, reply) {
      await control.tokens.revoke({ ...administratorOf(request), id: request.params.token });
      return reply.code(204).send();
    },
  });
}
