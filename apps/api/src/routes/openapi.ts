import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { OpenApiRecorder } from '../openapi.ts';

/** GET /openapi.json: this API, described. */
export function openApiRoutes(app: FastifyInstance, recorder: OpenApiRecorder): void {
  app.route({
    method: 'GET',
    url: '/openapi.json',
    config: { access: 'open' },
    schema: {
      operationId: 'getOpenApi',
      summary: 'This document',
      tags: ['operations'],
      response: { 200: Type.Object({ openapi: Type.Literal('3.1.0') }, { additionalProperties: true }) },
    },
    handler: () => recorder.document(),
  });
}
