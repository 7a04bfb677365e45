/** /api/valves: events of one app version, name or source, stopped at the collector's door (protocol V1 to V6). */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { Static } from 'typebox';
import { grantOf } from '../access.ts';
import type { ApiDeps } from '../deps.ts';
import { expiryOf, NewValveShape, toValve, ValveChangesShape, ValveShape } from './shapes.ts';
import { stoppedByValves } from './stopped.ts';
import type { Stopped } from './stopped.ts';

const Valves = Type.Object({ valves: Type.Array(ValveShape) });
const ValveId = Type.Object({ id: Type.String({ minLength: 1 }) });

const tags = ['administration'];

export function valveRoutes(app: FastifyInstance, { control, warehouse, clock }: ApiDeps): void {
  /** An operator in trouble must get at the valves, also while the warehouse is part of the trouble. */
  async function counted(request: FastifyRequest): Promise<(id: string) => Stopped | undefined> {
    try {
      return await stoppedByValves(warehouse, grantOf(request).project);
    } catch (err) {
      request.log.warn({ err }, 'how many events valves have stopped could not be read');
      return () => undefined;
    }
  }

  app.route({
    method: 'GET',
    url: '/api/valves',
    schema: {
      operationId: 'listValves',
      summary: "The project's valves, oldest first, and how many events each has stopped",
      tags,
      response: { 200: Valves },
    },
    async handler(request): Promise<Static<typeof Valves>> {
      const [valves, stopped] = await Promise.all([control.valves.list(grantOf(request).project), counted(request)]);
      return { valves: valves.map((valve) => toValve(valve, stopped(valve.id), clock())) };
    },
  });

  app.route<{ Body: Static<typeof NewValveShape> }>({
    method: 'POST',
    url: '/api/valves',
    schema: {
      operationId: 'createValve',
      summary: 'Stop events of an app version, a name or a source at the door; collectors follow within two seconds',
      tags,
      body: NewValveShape,
      response: { 201: ValveShape },
    },
    async handler(request, reply): Promise<Static<typeof ValveShape>> {
      const { project, tokenId: actor } = grantOf(request);
      const { expiresAt, forMinutes, ...valve } = request.body;
      const expiry = expiryOf(expiresAt, forMinutes, clock());
      const made = await control.valves.create({ ...valve, ...expiry, project, actor });
      reply.code(201).header('location', `/api/valves/${made.id}`);
      return toValve(made, { quarantined: 0, dropped: 0, lastMinute: null }, clock());
    },
  });

  app.route<{ Params: { id: string }; Body: Static<typeof ValveChangesShape> }>({
    method: 'PUT',
    url: '/api/valves/:id',
    schema: {
      operationId: 'setValve',
      summary: 'Change what a valve does, how much it stops and until when; collectors follow within two seconds',
      tags,
      params: ValveId,
      body: ValveChangesShape,
      response: { 200: ValveShape },
    },
    async handler(request): Promise<Static<typeof ValveShape>> {
      const { project, tokenId: actor } = grantOf(request);
      const { expiresAt, forMinutes, ...given } = request.body;
      const changes = { ...given, ...expiryOf(expiresAt, forMinutes, clock()) };
      const valve = await control.valves.set({ project, id: request.params.id, changes, actor });
      return toValve(valve, (await counted(request))(valve.id), clock());
    },
  });

  app.route<{ Params: { id: string } }>({
    method: 'DELETE',
    url: '/api/valves/:id',
    schema: {
      operationId: 'removeValve',
      summary: 'Remove a valve; collectors let its events in again within two seconds',
      tags,
      params: ValveId,
      response: { 204: Type.Null({ description: 'Removed.' }) },
    },
    async handler(request, reply) {
      const { project, tokenId: actor } = grantOf(request);
      await control.valves.remove({ project, id: request.params.id, actor });
      return reply.code(204).send();
    },
  });
}
