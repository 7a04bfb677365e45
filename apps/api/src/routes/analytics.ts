/** Questions: asked in full by POST, or by the name they were saved under by GET. */
import { ask, askPeople, asksForFile, KINDS, Meta, PeopleAnswer, peopleQuestion, validate } from '@tidemark/analytics';
import type { AskContext, ChannelRule, Kind } from '@tidemark/analytics';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { Static, TObject } from 'typebox';
import { grantOf } from '../access.ts';
import { cohortLookup } from '../cohort-lookup.ts';
import { DEFAULT_LIMITS } from '../deps.ts';
import type { ApiDeps } from '../deps.ts';
import { questionRef } from '../openapi.ts';
import { savedAsked } from './saved-asked.ts';
import { orFile, sendSqlFile } from './sql.ts';

const KindParams = Type.Object({ kind: Type.String() });

const BY_NAME = { name: Type.String(), version: Type.Optional(Type.Integer({ minimum: 1, description: 'a whole number from 1; the newest when absent' })) };

const MetaOfSaved = Type.Object({ ...Meta.properties, question: Type.Object({ name: Type.String(), version: Type.Integer() }) });

/** A saved question by name, with what a dashboard changes about it. */
const SavedQuery = Type.Object(
  {
    name: Type.String({ minLength: 1 }),
    version: Type.Optional(Type.Integer({ minimum: 1, description: 'The newest when absent.' })),
    from: Type.Optional(Type.String()),
    to: Type.Optional(Type.String()),
    range: Type.Optional(Type.String()),
    timezone: Type.Optional(Type.String()),
    includeBots: Type.Optional(Type.Boolean()),
    waitFor: Type.Optional(Type.String()),
    cache: Type.Optional(Type.Boolean({ description: 'false = computed anew' })),
  },
  { additionalProperties: false },
);

/** As far as questions of the kind have these fields. */
function savedQueryOf({ question }: Kind): typeof SavedQuery {
  const { name, version, ...changes } = SavedQuery.properties;
  const known = Object.entries(changes).filter(([field]) => field in (question as TObject).properties);
  return Type.Object({ name, version, ...Object.fromEntries(known) }, { additionalProperties: false }) as unknown as typeof SavedQuery;
}

/** The people of a saved question's cell, with the same changes in the question's own types. */
function peopleByName(kind: Kind, { cell, pageSize, cursor }: TObject['properties']): TObject {
  const { properties } = kind.question as TObject;
  const { name: _, version: __, ...changes } = savedQueryOf(kind).properties;
  const known = Object.fromEntries(Object.keys(changes).map((field) => [field, properties[field]!]));
  return Type.Object({ ...BY_NAME, ...known, cell: cell!, pageSize: pageSize!, cursor: cursor! }, { additionalProperties: false });
}

/** What a request may ask, and of what; with its reply, until nobody waits for it. */
export function askContexts(deps: ApiDeps): (request: FastifyRequest, reply?: FastifyReply) => AskContext {
  const { questionMemoryBytes, questionTimeoutMs } = { ...DEFAULT_LIMITS, ...deps.limits };
  return (request, reply) => ({
    project: grantOf(request).project,
    warehouse: deps.warehouse,
    clock: deps.clock,
    freshness: deps.processor,
    ...(deps.identities && { identities: deps.identities }),
    ...(deps.caching && { caching: deps.caching }),
    channels: (project) => deps.control.settings.channelRules(project) as Promise<ChannelRule[]>,
    cohort: cohortLookup(deps.control),
    maxMemoryBytes: questionMemoryBytes,
    timeoutMs: questionTimeoutMs,
    ...(deps.sql && { sql: deps.sql }),
    ...(reply && { signal: goneSignal(reply) }),
  });
}

export function analyticsRoutes(app: FastifyInstance, deps: ApiDeps): void {
  const contextOf = askContexts(deps);
  const askSaved = async (kind: string, request: FastifyRequest<{ Querystring: Static<typeof SavedQuery> }>, reply: FastifyReply): Promise<unknown> => {
    const { name, version, ...changes } = request.query;
    const saved = await savedAsked({ project: grantOf(request as FastifyRequest).project, kind, name, ...(version !== undefined && { version }) }, deps.control);
    const [question, context] = [changed(saved.body, changes), contextOf(request as FastifyRequest, reply)];
    if (kind === 'sql' && asksForFile(question)) return sendSqlFile(question, context, reply);
    const { meta, ...answer } = await ask(kind, question, context);
    return { ...answer, meta: { ...meta, question: { name: saved.name, version: saved.version } } };
  };

  for (const kind of KINDS) {
    const answer = Type.Object({ ...(kind.answer as TObject).properties, meta: Meta });
    app.route({
      method: 'POST',
      url: `/api/analytics/${kind.name}`,
      // Analytics checks the question itself: one judge, who explains better than a schema alone can.
      config: { describedBody: questionRef(kind) },
      schema: {
        operationId: `ask_${kind.name}`,
        summary: kind.summary,
        tags: ['questions'],
        response: { 200: kind.name === 'sql' ? orFile(answer) : answer },
      },
      handler(request, reply) {
        const [body, context] = [request.body ?? {}, contextOf(request, reply)];
        return kind.name === 'sql' && asksForFile(body) ? sendSqlFile(body, context, reply) : ask(kind.name, body, context);
      },
    });
    const answerOfSaved = Type.Object({ ...answer.properties, meta: MetaOfSaved });
    app.route<{ Querystring: Static<typeof SavedQuery> }>({
      method: 'GET',
      url: `/api/analytics/${kind.name}`,
      schema: {
        operationId: `ask_saved_${kind.name}`,
        summary: `Run a saved question of kind ${kind.name}, over another time if given`,
        tags: ['questions'],
        querystring: savedQueryOf(kind),
        response: { 200: kind.name === 'sql' ? orFile(answerOfSaved) : answerOfSaved },
      },
      handler: (request, reply) => askSaved(kind.name, request, reply),
    });
    const people = peopleQuestion(kind);
    if (people === undefined) continue;
    const byName = peopleByName(kind, people.properties);
    app.route({
      method: 'POST',
      url: `/api/analytics/${kind.name}/people`,
      config: { describedBody: Type.Union([people, byName]) },
      schema: {
        operationId: `people_${kind.name}`,
        summary: `The people behind a number of the answer to a question ${kind.name}, page by page`,
        tags: ['questions'],
        response: { 200: Type.Object({ ...PeopleAnswer.properties, meta: Meta }) },
      },
      handler: async (request) => askPeople(kind.name, await peopleAsked(request, kind.name, byName, deps), contextOf(request)),
    });
  }

  // Any other kind: the answer names those that there are.
  app.route<{ Params: Static<typeof KindParams> }>({
    method: ['POST', 'GET'],
    url: '/api/analytics/:kind',
    config: { undocumented: true },
    handler: (request) => ask(request.params.kind, request.body ?? {}, contextOf(request)),
  });

  app.route<{ Params: Static<typeof KindParams> }>({
    method: 'POST',
    url: '/api/analytics/:kind/people',
    config: { undocumented: true },
    handler: (request) => askPeople(request.params.kind, request.body ?? {}, contextOf(request)),
  });
}

/** Of `{"name", "cell", …}` the saved question with these; else the body itself. */
async function peopleAsked(request: FastifyRequest, kind: string, byName: TObject, { control }: ApiDeps): Promise<unknown> {
  const body = request.body ?? {};
  if (typeof body !== 'object' || !('name' in body)) return body;
  const { name, version, ...asked } = validate(byName, body) as { name: string; version?: number };
  const saved = await savedAsked({ project: grantOf(request).project, kind, name, ...(version !== undefined && { version }) }, control);
  return changed(saved.body, asked);
}

/** Aborted when the connection closes before the answer is out. */
function goneSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort();
  });
  return gone.signal;
}

/** `range` takes the place of `from` and `to`, and either of these that of `range`. */
function changed(question: object, changes: Record<string, unknown>): object {
  const merged: Record<string, unknown> = { ...question };
  if (changes['range'] !== undefined || changes['from'] !== undefined || changes['to'] !== undefined) {
    delete merged['range'];
    if (changes['range'] !== undefined) {
      delete merged['from'];
      delete merged['to'];
    }
  }
  return { ...merged, ...changes };
}
