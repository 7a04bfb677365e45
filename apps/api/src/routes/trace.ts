/** GET /api/events/{eventId}: what became of one event, or why there is nothing to tell. */
import { toOutput, traceQuery } from '@tidemark/analytics';
import type { OutputEvent } from '@tidemark/analytics';
import { literal } from '@tidemark/warehouse';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { Static } from 'typebox';
import { grantOf } from '../access.ts';
import type { ApiDeps } from '../deps.ts';
import { findPending } from '../pending.ts';
import { Problem } from '../problem.ts';
import { readRefusals, Refusal } from '../refusals.ts';
import { Count, OutputEventShape, Position, SessionPlace, Time } from '../schemas.ts';
import { toTimelineRow } from '../stored-event.ts';

const EventId = Type.Object({ eventId: Type.String({ minLength: 1 }) });

const Trace = Type.Object({
  eventId: Type.String(),
  outcome: Type.Unsafe<'stored' | 'pending' | 'quarantined'>({
    type: 'string',
    enum: ['stored', 'pending', 'quarantined'],
  }),
  detail: Type.String({ description: 'The same in a sentence.' }),
  receivedAt: Time,
  source: Type.String(),
  position: Position,
  /** Of a stored or a pending event. */
  time: Type.Optional(Type.Object({ original: Time, corrected: Time, correctedByMs: Type.Integer() })),
  personId: Type.Optional(Type.String()),
  session: Type.Optional(SessionPlace),
  event: Type.Optional(OutputEventShape),
  /** Of a pending event. */
  lag: Type.Optional(Type.Object({ recordsBefore: Count, ms: Type.Number() })),
  meta: Type.Object({ asOf: Time, completeThrough: Time }, { description: 'As of questions, and read before the event was looked for.' }),
  refusals: Type.Array(Refusal, { description: 'Copies of the event that could not be stored, or only by a replay, newest first.' }),
});
type Trace = Static<typeof Trace>;

/** More refused copies than these tell nothing new. */
const MAX_REFUSALS = 10;

export function traceRoutes(app: FastifyInstance, deps: ApiDeps): void {
  app.route<{ Params: Static<typeof EventId> }>({
    method: 'GET',
    url: '/api/events/:eventId',
    schema: {
      operationId: 'traceEvent',
      summary: 'Follow one event: received, log position, outcome, corrected time, session, person; or the reasons and the fix',
      tags: ['events'],
      params: EventId,
      response: { 200: Trace },
    },
    async handler(request): Promise<Trace> {
      return traceOf(request.params.eventId, grantOf(request).project, deps);
    },
  });
}

async function traceOf(eventId: string, project: string, deps: ApiDeps): Promise<Trace> {
  const { warehouse, processor, log, identities } = deps;
  // The status first: what is committed after it is found in the stores, what was not is found in the log.
  const { partition, committedOffset, lag, lagMs, epoch, asOfMs, watermarkMs } = processor.status();
  const meta = { asOf: new Date(asOfMs).toISOString(), completeThrough: new Date(watermarkMs).toISOString() };
  const condition = `event_id = ${literal(eventId)}`;
  const [stored, refusals] = await Promise.all([
    traceQuery(eventId, { project, warehouse, ...(identities && { identities }) }),
    readRefusals(warehouse, project, condition, MAX_REFUSALS),
  ]);
  if (stored !== undefined) {
    return {
      ...toldBy(stored.event),
      outcome: 'stored',
      detail: 'The event is stored: questions see it.',
      position: stored.position,
      meta,
      refusals,
    };
  }
  const pending = lag === 0 ? undefined : findPending(log, partition, committedOffset, project, eventId);
  if (pending !== undefined) {
    return {
      ...toldBy(toOutput(toTimelineRow(pending.event))),
      outcome: 'pending',
      detail: 'The event is safe in the log; questions see it once the processor has come to it.',
      position: { epoch, partition, offset: pending.offset },
      lag: { recordsBefore: pending.offset - committedOffset, ms: lagMs },
      meta,
      refusals,
    };
  }
  const [refusal] = refusals;
  if (refusal === undefined) throw notFound((await processor.balance(project)).pending);
  const { receivedAt, source, position, detail } = refusal;
  return { eventId, outcome: 'quarantined', detail, receivedAt, source, position, meta, refusals };
}

function toldBy(event: OutputEvent) {
  const { eventId, receivedAt, source, personId, session, timestamp, originalTimestamp } = event;
  const correctedByMs = Date.parse(timestamp) - Date.parse(originalTimestamp);
  return {
    eventId,
    receivedAt,
    source,
    personId,
    ...(session && { session }),
    event,
    time: { original: originalTimestamp, corrected: timestamp, correctedByMs },
  };
}

function notFound(pending: number): Problem {
  const why =
    'It did not reach this project, or it was filtered (bots, where the project drops them) or rejected (too large), ' +
    'of which only counts are kept.';
  const wait = pending === 0 ? '' : ` ${pending} events still wait for the processor: ask again in a moment.`;
  return new Problem('event_not_found', `${why}${wait}`, { members: { pending } });
}
