/** Questions saved under a name, each change a version. */
import { checkCohort, KINDS } from '@tidemark/analytics';
import { ControlError } from '@tidemark/control';
import type { SavedQuestion } from '@tidemark/control';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { Static } from 'typebox';
import { grantOf } from '../access.ts';
import { cohortLookup } from '../cohort-lookup.ts';
import type { ApiDeps } from '../deps.ts';
import { Problem } from '../problem.ts';
import { Time } from '../schemas.ts';
import { toRfc3339 } from '../times.ts';

const Kind = Type.String({ description: KINDS.map(({ name }) => name).join(', ') });
const Path = Type.Object({ kind: Kind, name: Type.String({ minLength: 1, maxLength: 100 }) });
const Saved = Type.Object({
  kind: Kind,
  name: Type.String(),
  version: Type.Integer({ minimum: 1 }),
  question: Type.Object({}, { additionalProperties: true, description: 'As POST /api/analytics/{kind} takes it.' }),
  createdAt: Time,
  createdBy: Type.String({ description: 'Id of the API token that saved it.' }),
});
const Listing = Type.Object({ questions: Type.Array(Saved) });
const tags = ['questions'];

export function savedQuestionRoutes(app: FastifyInstance, { control, clock }: ApiDeps): void {
  app.route<{ Querystring: { kind?: string } }>({
    method: 'GET',
    url: '/api/questions',
    schema: {
      operationId: 'listQuestions',
      summary: 'Saved questions, the newest version of each',
      tags,
      querystring: Type.Object({ kind: Type.Optional(Kind) }, { additionalProperties: false }),
      response: { 200: Listing },
    },
    async handler(request): Promise<Static<typeof Listing>> {
      return { questions: (await control.questions.list(grantOf(request).project, request.query.kind)).map(shown) };
    },
  });

  app.route<{ Params: Static<typeof Path>; Querystring: { version?: number } }>({
    method: 'GET',
    url: '/api/questions/:kind/:name',
    schema: {
      operationId: 'getQuestion',
      summary: 'A saved question, its newest version or the one asked for',
      tags,
      params: Path,
      querystring: Type.Object(
        { version: Type.Optional(Type.Integer({ minimum: 1 })) },
        { additionalProperties: false },
      ),
      response: { 200: Saved },
    },
    async handler(request, reply): Promise<Static<typeof Saved>> {
      const { version } = request.query;
      const wanted = {
        project: grantOf(request).project,
        ...request.params,
        ...(version === undefined ? {} : { version }),
      };
      const saved = await control.questions.get(wanted);
      reply.header('etag', `"${saved.version}"`);
      return shown(saved);
    },
  });

  app.route<{
    Params: Static<typeof Path>;
    Body: Record<string, unknown>;
    Headers: { 'if-match'?: string; 'if-none-match'?: string };
  }>({
    method: 'PUT',
    url: '/api/questions/:kind/:name',
    schema: {
      operationId: 'saveQuestion',
      summary: 'Save a question as a new version; with If-Match (or If-None-Match: *) only if nobody else did',
      tags,
      params: Path,
      body: Type.Object({}, { additionalProperties: true }),
      response: { 200: Saved, 201: Saved },
    },
    async handler(request, reply): Promise<Static<typeof Saved>> {
      const { project, tokenId } = grantOf(request);
      const { kind } = request.params;
      if (!KINDS.some(({ name }) => name === kind)) {
        const names = KINDS.map(({ name }) => name).join(', ');
        throw new Problem('unknown_kind', `There is no such kind of question; there are ${names}.`);
      }
      if (kind === 'cohort') await checkCohort(request.params.name.trim(), request.body, { project, nowMs: clock(), cohort: cohortLookup(control) });
      const ifVersion = expectedVersion(request.headers);
      const saving = control.questions.save({
        ...request.params,
        project,
        body: request.body,
        actor: tokenId,
        ...(ifVersion === undefined ? {} : { ifVersion }),
      });
      const saved = await saving.catch((error: unknown) => {
        throw conflictOf(error, ifVersion === 0 ? 'If-None-Match' : 'If-Match');
      });
      reply.code(saved.version === 1 ? 201 : 200).header('etag', `"${saved.version}"`);
      return shown(saved);
    },
  });

  app.route<{ Params: Static<typeof Path> }>({
    method: 'DELETE',
    url: '/api/questions/:kind/:name',
    schema: {
      operationId: 'deleteQuestion',
      summary: 'Delete a saved question, all versions',
      tags,
      params: Path,
      response: { 204: Type.Null({ description: 'Deleted.' }) },
    },
    async handler(request, reply) {
      const { project, tokenId } = grantOf(request);
      await control.questions.delete({ project, ...request.params, actor: tokenId });
      return reply.code(204).send();
    },
  });
}

/** The store's word for the version expected is its own; the caller knows the header that said it. */
function conflictOf(error: unknown, header: 'If-Match' | 'If-None-Match'): unknown {
  if (!(error instanceof ControlError) || error.code !== 'version_conflict') return error;
  return new ControlError(error.code, error.message, { field: header });
}

/** The version that must be the newest for the save to go ahead (RFC 9110, 13.1); undefined when it doesn't matter. */
function expectedVersion(headers: { 'if-match'?: string; 'if-none-match'?: string }): number | undefined {
  if (headers['if-none-match'] === '*') return 0;
  const match = headers['if-match'];
  if (match === undefined || match === '*') return undefined;
  const version = /^"(\d+)"$/.exec(match)?.[1];
  if (version !== undefined) return Number(version);
  throw new Problem('invalid_value', 'If-Match takes the ETag of the version that you changed, like "3".', {
    faults: [
      { field: 'If-Match', code: 'invalid_value', value: match, rule: 'an ETag', detail: 'Send the ETag as it came.' },
    ],
  });
}

function shown({ kind, name, version, body, createdAtMs, createdBy }: SavedQuestion): Static<typeof Saved> {
  return { kind, name, version, question: body as object, createdAt: toRfc3339(createdAtMs), createdBy };
}
