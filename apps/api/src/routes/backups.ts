/**
 * Snapshots for `tidemark backup`. They stay inside the data folder, under a name that the server chooses: no path comes
 * over HTTP, and what is copied where is up to whoever may read the data folder.
 */
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { Static } from 'typebox';
import { adminOf } from '../access.ts';
import type { ApiDeps } from '../deps.ts';
import { Problem } from '../problem.ts';
import { Time } from '../schemas.ts';
import { toRfc3339 } from '../times.ts';

const Snapshot = Type.Object({
  id: Type.String({ description: 'Name of its folder in `backups/` of the data folder.' }),
  takenAt: Time,
  heldMs: Type.Number({ minimum: 0, description: 'How long the stores were held for it; events went on being taken.' }),
});
const SnapshotId = Type.Object({ id: Type.String({ minLength: 1, maxLength: 100 }) });

const WHY = 'A backup holds every project, so it';
const tags = ['operations'];

export function backupRoutes(app: FastifyInstance, { backups, control }: ApiDeps): void {
  app.route({
    method: 'POST',
    url: '/api/backups',
    schema: {
      operationId: 'createSnapshot',
      summary: 'Make a snapshot of the stores for `tidemark backup`; takes an admin token',
      description: 'One at a time: another one that was left is removed. It holds every project, and not the log.',
      tags,
      response: { 201: Snapshot },
    },
    async handler(request, reply): Promise<Static<typeof Snapshot>> {
      const actor = adminOf(request, WHY);
      const snapshot = await backups?.take();
      if (snapshot === undefined) throw new Problem('backup_running', 'A snapshot is being made already: wait for it to end.');
      const { id, takenAtMs, heldMs } = snapshot;
      await control.audit.note({ ...actor, action: 'backup.create', subject: id });
      reply.code(201).header('location', `/api/backups/${id}`);
      return { id, takenAt: toRfc3339(takenAtMs), heldMs };
    },
  });

  app.route<{ Params: Static<typeof SnapshotId> }>({
    method: 'DELETE',
    url: '/api/backups/:id',
    schema: {
      operationId: 'removeSnapshot',
      summary: 'Remove a snapshot; takes an admin token',
      tags,
      params: SnapshotId,
      response: { 204: Type.Null() },
    },
    async handler(request, reply) {
      adminOf(request, WHY);
      const { id } = request.params;
      if (!(await backups?.remove(id))) throw new Problem('backup_not_found', `There is no snapshot ${id}: it was removed, by a newer one or at a start.`);
      reply.code(204);
    },
  });
}
