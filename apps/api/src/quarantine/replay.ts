/** POST /api/quarantine/replay: quarantined events judged again, and let in if they pass (protocol R1 to R7). */
import type { ItemCursor, ReplayReport } from '@tidemark/processor';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { Static } from 'typebox';
import { grantOf } from '../access.ts';
import type { ApiDeps } from '../deps.ts';
import { Problem } from '../problem.ts';
import { explained } from '../refusals.ts';
import { Count, NextCursor } from '../schemas.ts';
import { ItemFilterShape, itemFilterOf } from './item-filter.ts';
import { PatchShape, patchOf } from './patch-shape.ts';

const DEFAULT_LIMIT = 1_000;

const Request = Type.Object(
  {
    ...ItemFilterShape.properties,
    patch: Type.Optional(PatchShape),
    preview: Type.Optional(Type.Boolean({ default: false, description: 'Only tells what would become of them.' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000, default: DEFAULT_LIMIT, description: 'At most so many are looked at, oldest first.' })),
    cursor: Type.Optional(Type.String({ description: '`nextCursor` of the answer before.' })),
  },
  { additionalProperties: false },
);
type Request = Static<typeof Request>;

const Report = Type.Object({
  preview: Type.Boolean(),
  events: Type.Integer({ minimum: 0, description: 'Looked at: passed and failed.' }),
  passed: Type.Integer({ minimum: 0, description: 'Let in, or to be let in.' }),
  duplicates: Type.Integer({ minimum: 0, description: 'Of the passed: an event of the same id is stored, or came before it among them; they change no answer.' }),
  failed: Type.Array(
    Type.Object({
      code: Type.String(),
      events: Count,
      example: Type.Object({ eventId: Type.String(), field: Type.String(), detail: Type.String(), fix: Type.Optional(Type.String()) }),
    }),
    { description: 'Why the others stay, by their first reason.' },
  ),
  left: Type.Integer({ minimum: 0, description: 'Not looked at yet.' }),
  nextCursor: NextCursor,
});

export function replayRoutes(app: FastifyInstance, { replays, control, clock }: ApiDeps): void {
  app.route<{ Body: Request }>({
    method: 'POST',
    url: '/api/quarantine/replay',
    schema: {
      operationId: 'replayQuarantine',
      summary: 'Judge quarantined events again, changed by `patch`, and let in those that pass; `preview` only counts',
      description: 'The project\'s rules of now count. Asked twice, an event is let in once. What fails stays, with the new reason.',
      tags: ['events'],
      body: Request,
      response: { 200: Report },
    },
    async handler(request): Promise<Static<typeof Report>> {
      const { project, tokenId: actor } = grantOf(request);
      const { patch = [], preview = false, limit = DEFAULT_LIMIT, cursor, ...filter } = request.body;
      const asked = { filter: itemFilterOf(filter, project, clock()), patch: patchOf(patch), preview, limit, after: cursor === undefined ? undefined : cursorOf(cursor) };
      if (replays === undefined) throw new Problem('replay_unavailable', 'This engine replays nothing.');
      const report = await replays.replay(asked).catch((error: unknown) => {
        const { code, message } = error as { code?: unknown; message?: string };
        const known = REFUSALS.find((each) => each === code);
        throw known === undefined ? error : new Problem(known, message ?? '', { cause: error });
      });
      if (report.passed > 0 && !preview) {
        await control.audit.note({ project, actor, action: 'quarantine.replay', subject: JSON.stringify(filter), detail: { patch, passed: report.passed } });
      }
      return told(report, preview);
    },
  });
}

const REFUSALS = ['replay_running', 'replay_unavailable'] as const;

function told({ items, failed, left, next, ...counts }: ReplayReport, preview: boolean): Static<typeof Report> {
  return {
    preview,
    events: items,
    ...counts,
    failed: failed.map(({ code, events, example: { eventId, field, detail } }) => {
      const { fix } = explained({ field, code, detail });
      return { code, events, example: { eventId, field, detail, ...(fix === undefined ? {} : { fix }) } };
    }),
    left,
    nextCursor: next === undefined ? null : Buffer.from(JSON.stringify(next)).toString('base64url'),
  };
}

function cursorOf(text: string): ItemCursor {
  try {
    const [receivedAtMs, epoch, topic, partition, offset] = JSON.parse(Buffer.from(text, 'base64url').toString()) as unknown[];
    return [asInteger(receivedAtMs), String(epoch), String(topic), asInteger(partition), asInteger(offset)];
  } catch (cause) {
    const detail = 'Pass nextCursor on unchanged, or no cursor to begin.';
    throw new Problem('invalid_cursor', detail, { cause, faults: [{ field: 'cursor', code: 'invalid_cursor', detail }] });
  }
}

function asInteger(value: unknown): number {
  if (!Number.isSafeInteger(value)) throw new RangeError('no whole number');
  return value as number;
}
