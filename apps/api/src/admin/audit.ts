import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { Static } from 'typebox';
import { Time } from '../schemas.ts';
import { toRfc3339 } from '../times.ts';
import type { AdminDeps } from './deps.ts';
import { administratorOf, ProjectId } from './own-project.ts';

const Page = Type.Object(
  {
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, default: 100 })),
    cursor: Type.Optional(Type.Integer({ minimum: 1, description: 'nextCursor of the page before.' })),
  },
  { additionalProperties: false },
);
const Audit = Type.Object({
  entries: Type.Array(
    Type.Object({
      at: Time,
      actor: Type.String({ description: 'Id of the API token, or `start`, `cli`.' }),
      action: Type.String({ description: '`key.revoke`, `settings.set`, …' }),
      subject: Type.String({ description: 'Id of what was changed.' }),
      detail: Type.Record(Type.String(), Type.Unknown()),
    }),
  ),
  nextCursor: Type.Unsafe<number | null>({ type: ['integer', 'null'] }),
});

export function auditRoutes(app: FastifyInstance, { control }: AdminDeps): void {
  app.route<{ Params: { id: string }; Querystring: Static<typeof Page> }>({
    method: 'GET',
    url: '/api/projects/:id/audit',
    schema: {
      operationId: 'listAudit',
      summary: 'What was changed in a project, when and by whom; newest first',
      tags: ['administration'],
      params: ProjectId,
      querystring: Page,
      response: { 200: Audit },
    },
    async handler(request): Promise<Static<typeof Audit>> {
      const { limit = 100, cursor } = request.query;
      const { project } = administratorOf(request);
      const page = await control.audit.list(project, { limit, ...(cursor === undefined ? {} : { before: cursor }) });
      const entries = page.map(({ atMs, actor, action, subject, detail }) => ({
        at: toRfc3339(atMs),
        actor,
        action,
        subject,
        detail,
      }));
      return { entries, nextCursor: page.length < limit ? null : (page.at(-1)?.id ?? null) };
    },
  });
}
