/** The collector's two routes for /openapi.json: it is another process, and takes bodies by rules of its own. */
import { EVENT_TYPES, LIMITS } from '@tidemark/event';

type Json = Record<string, unknown>;

const text = (maxLength: number, description: string): Json => ({ type: 'string', maxLength, description });
const time = (description: string): Json => ({ anyOf: [{ type: 'string' }, { type: 'integer' }], description });
const open = { type: 'object', additionalProperties: true };

const event: Json = {
  type: 'object',
  required: ['eventId', 'eventName'],
  anyOf: [{ required: ['userId'] }, { required: ['anonymousId'] }],
  properties: {
    eventId: text(LIMITS.maxEventIdLength, 'Unique per event, made at capture and kept on retries: copies count once.'),
    eventName: text(
      LIMITS.maxEventNameLength,
      'What happened; may be absent for page, screen, identify, group and alias.',
    ),
    userId: text(LIMITS.maxIdLength, 'A known user.'),
    anonymousId: text(LIMITS.maxIdLength, 'The device, before and after login.'),
    sessionId: text(LIMITS.maxIdLength, "The client's own."),
    timestamp: time('When it happened: RFC 3339, or epoch milliseconds; receivedAt when absent.'),
    sentAt: time('When it was sent, by the same clock: corrects a clock that is off.'),
    sequence: { type: 'integer', description: "The device's own counter: orders events of one millisecond." },
    type: { type: 'string', enum: [...EVENT_TYPES], default: 'track' },
    schemaVersion: text(LIMITS.maxSchemaVersionLength, 'Of the schema that the client wrote the event by.'),
    groupId: text(LIMITS.maxIdLength, 'For group.'),
    previousId: text(LIMITS.maxIdLength, 'For alias.'),
    traits: open,
    properties: open,
    context: open,
  },
};

const batch: Json = {
  type: 'object',
  required: ['events'],
  properties: {
    events: { type: 'array', maxItems: LIMITS.maxEventsPerBody, items: event },
    sentAt: time('For the events that carry none.'),
    writeKey: { type: 'string', description: 'Where no header can be sent.' },
  },
};

const accepted: Json = {
  type: 'object',
  required: ['status', 'eventId', 'receivedAt'],
  properties: {
    status: { const: 'accepted' },
    eventId: { type: 'string' },
    receivedAt: { type: 'string', format: 'date-time' },
  },
};

const batchAccepted: Json = {
  type: 'object',
  required: ['accepted', 'receivedAt', 'rejected'],
  properties: {
    accepted: { type: 'integer', minimum: 0 },
    receivedAt: { type: 'string', format: 'date-time' },
    rejected: {
      type: 'array',
      items: {
        type: 'object',
        required: ['index', 'code', 'detail'],
        properties: {
          index: { type: 'integer', minimum: 0, description: 'In the batch, from 0.' },
          eventId: { type: 'string' },
          code: { type: 'string' },
          detail: { type: 'string' },
          quarantined: { type: 'boolean', description: 'Its bytes are kept, to be mended and sent on.' },
        },
      },
    },
  },
};

const REFUSALS = {
  400: 'Not JSON; or, for a single event, every reason why it can not be stored (it is in quarantine).',
  401: 'The write key is not known.',
  413: 'Over a limit.',
  415: 'Encoded otherwise than by gzip.',
  429: 'Over the rate of the write key: send again after Retry-After.',
  503: 'Nothing was stored: send again after Retry-After.',
};

export function ingestPaths(): Record<string, Json> {
  return {
    '/api/events': { post: ingest('sendEvent', 'Send one event; answered when it is durable', event, accepted) },
    '/api/events/batch': {
      post: ingest('sendEvents', 'Send a batch; good events are never lost to bad neighbours', batch, batchAccepted),
    },
  };
}

function ingest(operationId: string, summary: string, body: Json, answer: Json): Json {
  const refusals = Object.entries(REFUSALS).map(([status, description]) => [
    status,
    { description, content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } } },
  ]);
  return {
    operationId,
    summary,
    description: 'The body may be gzipped, and may come under any Content-Type.',
    tags: ['ingest'],
    security: ['writeKey', 'writeKeyBasic', 'writeKeyInQuery'].map((scheme) => ({ [scheme]: [] })),
    parameters: [],
    requestBody: { required: true, content: { 'application/json': { schema: body } } },
    responses: {
      202: { description: 'Durable.', content: { 'application/json': { schema: answer } } },
      ...Object.fromEntries(refusals),
    },
  };
}
