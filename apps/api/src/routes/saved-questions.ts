/** Questions saved under a name, each change a version. */
import { checkCohort, checkQuestion, checkStaticCohort, isStatic, KINDS, type Kind } from '@tidemark/analytics';
import { ControlError } from '@tidemark/control';
import type { KeptMembers, SavedQuestion } from '@tidemark/control';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { Static } from 'typebox';
import { grantOf } from '../access.ts';
import { cohortLookup } from '../cohort-lookup.ts';
import type { ApiDeps } from '../deps.ts';
import { savedQuestionRef } from '../openapi.ts';
import { Problem } from '../problem.ts';
import { Time } from '../schemas.ts';
import { toRfc3339 } from '../times.ts';
import { askContexts } from './analytics.ts';

const KindName = Type.String({ description: KINDS.map(({ name }) => name).join(', ') });
const Path = Type.Object({ kind: KindName, name: Type.String({ minLength: 1, maxLength: 200 }) });
const SAVED = {
  kind: KindName,
  name: Type.String(),
  version: Type.Integer({ minimum: 1 }),
  question: Type.Object({}, { additionalProperties: true, description: 'As POST /api/analytics/{kind} takes it.' }),
  savedAt: Time,
  savedBy: Type.String({ description: 'Id of the API token that saved it.' }),
  members: Type.Optional(
    Type.Object({ people: Type.Integer(), ids: Type.Integer({ description: 'of these people, users and devices' }) }, { description: 'Of a static cohort: whom it kept when it was saved.' }),
  ),
};
const Saved = Type.Object(SAVED);
const Page = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, description: 'questions a page; default 100' })),
  cursor: Type.Optional(Type.String({ maxLength: 2_000, description: 'nextCursor of the page before' })),
};
const NEXT_CURSOR = Type.Union([Type.String(), Type.Null()], { description: 'null on the last page' });
const Listing = Type.Object({ questions: Type.Array(Saved), nextCursor: NEXT_CURSOR });

/** As described: with the questions of a kind, or of any. They are written as they were saved. */
const SavedOf = (question: object) => Type.Object({ ...SAVED, question: Type.Unsafe<object>(question) });
const SavedOfAny = SavedOf({ anyOf: KINDS.map((kind) => savedQuestionRef(kind, 'KeptCohort')) });
const ListingOf = (saved: ReturnType<typeof SavedOf>) => Type.Object({ questions: Type.Array(saved), nextCursor: NEXT_CURSOR });
interface ListQuery {
  kind?: string;
  limit?: number;
  cursor?: string;
}
interface Saving {
  Params: { kind?: string; name: string };
  Body: unknown;
  Headers: { 'if-match'?: string; 'if-none-match'?: string };
}
const tags = ['questions'];
/** For the ids of a static cohort. */
const MAX_BODY_BYTES = 16 << 20;

export function savedQuestionRoutes(app: FastifyInstance, deps: ApiDeps): void {
  const { control, clock, cohorts } = deps;
  const contextOf = askContexts(deps);
  const page = async (project: string, { kind, limit = 100, cursor }: ListQuery): Promise<Static<typeof Listing>> => {
    const all = await control.questions.list(project, kind);
    const after = cursor === undefined ? 0 : all.findIndex((saved) => cursorOf(saved) === cursor) + 1;
    if (cursor !== undefined && after === 0) throw new Problem('invalid_cursor', 'This is no cursor of this list, or its question has gone: begin without one.');
    const questions = all.slice(after, after + limit);
    const last = questions.at(-1);
    return { questions: questions.map(shown), nextCursor: last !== undefined && after + limit < all.length ? cursorOf(last) : null };
  };

  app.route<{ Querystring: ListQuery }>({
    method: 'GET',
    url: '/api/questions',
    config: { describedAnswers: { 200: ListingOf(SavedOfAny) } },
    schema: {
      operationId: 'listQuestions',
      summary: 'Saved questions, the newest version of each',
      tags,
      querystring: Type.Object({ kind: Type.Optional(KindName), ...Page }, { additionalProperties: false }),
      response: { 200: Listing },
    },
    handler: (request) => page(grantOf(request).project, request.query),
  });

  const save = async (kind: string, request: FastifyRequest<Saving>, reply: FastifyReply): Promise<Static<typeof Saved>> => {
    const { project, tokenId } = grantOf(request as FastifyRequest);
    const { name } = request.params;
    const question = request.body ?? {};
    const context = contextOf(request as FastifyRequest);
    const ifVersion = expectedVersion(request.headers);
    const keep = (body: unknown, members?: KeptMembers) => {
      const saving = control.questions.save({ project, kind, name, body, actor: tokenId, ...(members && { members }), ...(ifVersion !== undefined && { ifVersion }) });
      return saving.catch((error: unknown) => {
        throw conflictOf(error, ifVersion === 0 ? 'If-None-Match' : 'If-Match');
      });
    };
    const scope = { project, nowMs: clock(), cohort: cohortLookup(control) };
    if (kind === 'cohort' && isStatic(question)) {
      const cohort = await checkStaticCohort(name, question, scope);
      // The ids are members, which a deletion reaches; they are not kept here as well.
      const kept = 'people' in cohort ? { ...cohort, people: [] } : cohort;
      return answer(reply, await cohorts.save(cohort, context, (members) => keep(kept, members)));
    }
    await checkQuestion(kind, question, context);
    if (kind === 'cohort') await checkCohort(name, question, scope);
    const saved = await keep(question);
    if (kind === 'cohort') await cohorts.release();
    return answer(reply, saved);
  };

  for (const kind of KINDS) routesOfKind(kind);
  // Any other kind: the answers name those that there are, or that nothing is saved under it.
  routesOfKind();

  /** Without a kind, of whichever the address names, for those that there are not. */
  function routesOfKind(kind?: Kind): void {
    const undocumented = kind === undefined;
    const folder = `/api/questions/${kind?.name ?? ':kind'}`;
    const SavedOfKind = SavedOf(kind === undefined ? {} : savedQuestionRef(kind, 'KeptCohort'));
    const params = undocumented ? Path : Type.Object({ name: Path.properties.name });
    const what = `a saved question of kind ${kind?.name ?? ''}`;
    const named = (request: FastifyRequest<Saving>): { project: string; kind: string; name: string } => ({
      project: grantOf(request as FastifyRequest).project, kind: kind?.name ?? request.params.kind ?? '', name: request.params.name,
    });

    app.route<{ Params: { kind?: string }; Querystring: ListQuery }>({
      method: 'GET',
      url: folder,
      config: { undocumented, describedAnswers: { 200: ListingOf(SavedOfKind) } },
      schema: {
        operationId: `list_${kind?.name}`,
        summary: `Saved questions of kind ${kind?.name}, the newest version of each`,
        tags,
        ...(undocumented && { params: Type.Object({ kind: KindName }) }),
        querystring: Type.Object(Page, { additionalProperties: false }),
        response: { 200: Listing },
      },
      handler: (request) => page(grantOf(request as FastifyRequest).project, { ...request.query, kind: kind?.name ?? request.params.kind ?? '' }),
    });

    app.route<Saving>({
      method: 'GET',
      url: `${folder}/:name/versions`,
      config: { undocumented, describedAnswers: { 200: Type.Object({ versions: Type.Array(SavedOfKind) }) } },
      schema: { operationId: `versions_${kind?.name}`, summary: `All versions of ${what}, the newest first`, tags, params, response: { 200: Type.Object({ versions: Type.Array(Saved) }) } },
      handler: async (request) => ({ versions: (await control.questions.versions(named(request))).map(shown) }),
    });

    app.route<Saving & { Querystring: { version?: number } }>({
      method: 'GET',
      url: `${folder}/:name`,
      config: { undocumented, describedAnswers: { 200: SavedOfKind } },
      schema: {
        operationId: `get_${kind?.name}`,
        summary: `The newest version of ${what}, or the one asked for`,
        tags,
        params,
        querystring: Type.Object({ version: Type.Optional(Type.Integer({ minimum: 1 })) }, { additionalProperties: false }),
        response: { 200: Saved },
      },
      async handler(request, reply): Promise<Static<typeof Saved>> {
        const { version } = request.query;
        const saved = await control.questions.get({ ...named(request), ...(version === undefined ? {} : { version }) });
        reply.header('etag', `"${saved.version}"`);
        return shown(saved);
      },
    });

    app.route<Saving>({
      method: 'PUT',
      url: `${folder}/:name`,
      bodyLimit: MAX_BODY_BYTES,
      // Analytics checks the question itself.
      config: { undocumented, ...(kind && { describedBody: savedQuestionRef(kind, 'StaticCohort') }), describedAnswers: { 200: SavedOfKind, 201: SavedOfKind } },
      schema: {
        operationId: `save_${kind?.name}`,
        summary: `Save a question of kind ${kind?.name} as a new version; with If-Match (or If-None-Match: *) only if nobody else did`,
        tags,
        params,
        response: { 200: Saved, 201: Saved },
      },
      handler: (request, reply) => save(named(request).kind, request, reply),
    });

    app.route<Saving>({
      method: 'DELETE',
      url: `${folder}/:name`,
      config: { undocumented },
      schema: { operationId: `delete_${kind?.name}`, summary: `Delete ${what}, all versions`, tags, params, response: { 204: Type.Null({ description: 'Deleted.' }) } },
      async handler(request, reply) {
        await control.questions.delete({ ...named(request), actor: grantOf(request as FastifyRequest).tokenId });
        if (named(request).kind === 'cohort') await cohorts.release();
        return reply.code(204).send();
      },
    });
  }
}

function answer(reply: FastifyReply, saved: SavedQuestion & { isNew: boolean }): Static<typeof Saved> {
  reply.code(saved.isNew ? 201 : 200).header('etag', `"${saved.version}"`);
  return shown(saved);
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

/** The place after a question: its kind and name. */
function cursorOf({ kind, name }: SavedQuestion): string {
  return Buffer.from(JSON.stringify([kind, name])).toString('base64url');
}

function shown({ kind, name, version, body, createdAtMs, createdBy, members }: SavedQuestion): Static<typeof Saved> {
  const kept = members && { members: { people: members.people, ids: members.ids } };
  return { kind, name, version, question: body as object, savedAt: toRfc3339(createdAtMs), savedBy: createdBy, ...kept };
}
