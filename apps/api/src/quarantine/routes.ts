/** GET /api/quarantine: what could not be stored, with the reasons and the original bytes. */
import { hasLeft, itemCondition, literal, timeLiteral } from '@tidemark/warehouse';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { Static } from 'typebox';
import { grantOf } from '../access.ts';
import type { ApiDeps } from '../deps.ts';
import { Problem } from '../problem.ts';
import { readRefusals, Refusal } from '../refusals.ts';
import { Count, NextCursor } from '../schemas.ts';
import { ItemFilterShape, itemFilterOf } from './item-filter.ts';

const Query = Type.Object(
  {
    ...ItemFilterShape.properties,
    state: Type.Optional(
      Type.Unsafe<'waiting' | 'replayed' | 'all'>({
        type: 'string',
        enum: ['waiting', 'replayed', 'all'],
        default: 'waiting',
        description: 'Still in quarantine, or let in by a replay.',
      }),
    ),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, default: 100 })),
    cursor: Type.Optional(Type.String({ description: 'nextCursor of the page before.' })),
  },
  { additionalProperties: false },
);
type Query = Static<typeof Query>;

const Page = Type.Object({
  events: Type.Array(Refusal),
  codes: Type.Array(Type.Object({ code: Type.String(), events: Count }), {
    description: 'How many events there are of each code, over all pages.',
  }),
  nextCursor: NextCursor,
});

export function quarantineRoutes(app: FastifyInstance, { warehouse, clock }: ApiDeps): void {
  app.route<{ Querystring: Query }>({
    method: 'GET',
    url: '/api/quarantine',
    schema: {
      operationId: 'listQuarantine',
      summary: 'Events that could not be stored, newest first, with reasons, fixes and original bytes; those that were replayed by `state`',
      tags: ['events'],
      querystring: Query,
      response: { 200: Page },
    },
    async handler(request): Promise<Static<typeof Page>> {
      const { limit = 100, cursor } = request.query;
      const { project } = grantOf(request);
      const filter = filterSql(request.query, project, clock());
      const after = cursor === undefined ? '' : ` AND (received_at, epoch, offset) < ${cursorSql(cursor)}`;
      const [events, codes] = await Promise.all([
        readRefusals(warehouse, project, `${filter}${after}`, limit + 1),
        warehouse.query<{ code: string; events: number }>(
          `SELECT code, count() AS events FROM quarantine WHERE ${filter} GROUP BY code ORDER BY events DESC, code`,
          { timeoutMs: 30_000 },
        ),
      ]);
      const last = events[limit - 1];
      const nextCursor = events.length > limit && last !== undefined ? cursorOf(last) : null;
      return { events: events.slice(0, limit), codes: codes.rows, nextCursor };
    },
  });
}

function filterSql({ state = 'waiting', ...query }: Query, project: string, nowMs: number): string {
  const filter = itemCondition(itemFilterOf(query, project, nowMs));
  return state === 'all' ? filter : `${filter} AND ${state === 'waiting' ? 'NOT ' : ''}${hasLeft(project)}`;
}

function cursorOf({ receivedAt, position }: Refusal): string {
  return Buffer.from(JSON.stringify([Date.parse(receivedAt), position.epoch, position.offset])).toString('base64url');
}

function cursorSql(cursor: string): string {
  try {
    const [receivedAtMs, epoch, offset] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as [
      number,
      string,
      number,
    ];
    return `(${timeLiteral(receivedAtMs)}, ${literal(epoch)}, ${literal(BigInt(offset))})`;
  } catch (cause) {
    const detail = 'Pass nextCursor on unchanged, or no cursor to begin.';
    throw new Problem('invalid_cursor', detail, {
      cause,
      faults: [{ field: 'cursor', code: 'invalid_cursor', detail }],
    });
  }
}
