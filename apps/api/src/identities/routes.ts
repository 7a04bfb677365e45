/** /api/identities: who is one person and why, and people's say in it (docs/questions.md, section I). */
import { readHubs, readLinks, readPerson } from '@tidemark/analytics';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { Static } from 'typebox';
import { grantOf } from '../access.ts';
import type { ApiDeps } from '../deps.ts';
import { Problem } from '../problem.ts';
import { Count } from '../schemas.ts';
import { toRfc3339 } from '../times.ts';
import { merge, toDecision, toPerson, unmerge } from './change.ts';
import { ChangeShape, DecisionShape, LinkShape, MergeShape, PersonShape, toNode, UnmergeShape } from './shapes.ts';

const Hubs = Type.Object({
  identities: Type.Array(
    Type.Object({
      userId: Type.String(),
      flag: Type.Unsafe<'hub'>({ type: 'string', enum: ['hub'] }),
      cause: Type.Unsafe<'aliases' | 'devices'>({ type: 'string', enum: ['aliases', 'devices'] }),
      links: Count,
    }),
    { description: 'Greatest first. A hub is no person: its aliases, or its claims on devices, count for nothing.' },
  ),
});

const One = Type.Object({
  ...PersonShape.properties,
  links: Type.Array(LinkShape, { description: 'Of all nodes, cut ones too; at most 1,000 of each cause.' }),
  decisions: Type.Array(DecisionShape, { description: 'About any of its nodes, oldest first; what was decided later about the same two holds.' }),
  flags: Type.Array(Type.Unsafe<'hub'>({ type: 'string', enum: ['hub'] })),
});

const tags = ['identity'];

export function identityRoutes(app: FastifyInstance, { identities, ...deps }: ApiDeps): void {
  if (identities === undefined) return;
  const { warehouse, control } = deps;
  const callerOf = (request: FastifyRequest) => {
    const { project, tokenId: actor } = grantOf(request);
    return { project, actor };
  };

  app.route<{ Querystring: { flag: 'hub' } }>({
    method: 'GET',
    url: '/api/identities',
    schema: {
      operationId: 'listIdentities',
      summary: 'Ids that are no person, such as a "guest" that everybody shares',
      tags,
      querystring: Type.Object({ flag: Type.Unsafe<'hub'>({ type: 'string', enum: ['hub'] }) }, { additionalProperties: false }),
      response: { 200: Hubs },
    },
    async handler(request): Promise<Static<typeof Hubs>> {
      const hubs = await readHubs(grantOf(request).project, warehouse);
      return { identities: hubs.map((hub) => ({ ...hub, flag: 'hub' })) };
    },
  });

  app.route<{ Params: { id: string }; Querystring: { kind?: 'user' | 'device' } }>({
    method: 'GET',
    url: '/api/identities/:id',
    schema: {
      operationId: 'getIdentity',
      summary: 'The person of an id: all its nodes, what links them and since when, and what was decided',
      tags,
      params: Type.Object({ id: Type.String({ minLength: 1, description: 'Any id of the person.' }) }),
      querystring: Type.Object(
        {
          kind: Type.Optional(
            Type.Unsafe<'user' | 'device'>({ type: 'string', enum: ['user', 'device'], description: 'What the id is of; absent = a user, if there is such a user.' }),
          ),
        },
        { additionalProperties: false },
      ),
      response: { 200: One },
    },
    async handler(request): Promise<Static<typeof One>> {
      const { id } = request.params;
      const { kind } = request.query;
      const { project } = grantOf(request);
      const identity = await identities.of(project);
      const { person, ...view } = await readPerson(kind === undefined ? { id } : { node: `${kind === 'user' ? 'u' : 'a'}${id}` }, identity, warehouse);
      const made = await control.identities.list(project);
      const links = await readLinks(person, made, warehouse);
      const nodes = new Set([...view.nodes.map(({ node }) => node), ...links.flatMap(({ a, b }) => [a, b])]);
      const decisions = made.filter(({ a, b }) => nodes.has(a) || nodes.has(b));
      if (view.events === 0 && links.length === 0 && decisions.length === 0) {
        throw new Problem('unknown_identity', 'No event of this project names this id.', { faults: [{ field: 'id', code: 'unknown_identity', value: id, detail: 'No event names it.' }] });
      }
      const users = new Set(person.users);
      const isHub = links.some(({ state, a, b }) => state === 'hub' && (users.has(a.slice(1)) || users.has(b.slice(1)))) && (await readHubs(project, warehouse)).some(({ userId }) => users.has(userId));
      return {
        ...toPerson(view),
        links: links.map(({ cause, a, b, timeMs, eventId, state }) => ({ cause, ids: [toNode(a), toNode(b)], time: toRfc3339(timeMs), ...(eventId !== undefined && { eventId }), state })),
        decisions: decisions.map(toDecision),
        flags: isHub ? ['hub'] : [],
      };
    },
  });

  app.route<{ Body: Static<typeof MergeShape> }>({
    method: 'POST',
    url: '/api/identities/merge',
    schema: {
      operationId: 'mergeIdentities',
      summary: 'Make the persons of two ids one, from the next question on; or tell what that would change',
      tags,
      body: MergeShape,
      response: { 200: ChangeShape },
    },
    handler: (request) => merge(request.body, callerOf(request), { ...deps, identities }),
  });

  app.route<{ Body: Static<typeof UnmergeShape> }>({
    method: 'POST',
    url: '/api/identities/unmerge',
    schema: {
      operationId: 'unmergeIdentities',
      summary: 'Cut the link between two ids, or all links of one; it stays cut, whatever events come, until they are merged',
      tags,
      body: UnmergeShape,
      response: { 200: ChangeShape },
    },
    handler: (request) => unmerge(request.body, callerOf(request), { ...deps, identities }),
  });
}
