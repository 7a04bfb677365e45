/**
 * Every error that a sender of events can meet. `code` is stable: clients, quarantine and replay rely on it.
 * docs/protocol.md explains each under an anchor of the same name; a test keeps the two agreeing.
 */
export interface IngestError {
  /** `event`: one event is refused, its neighbours go on. `request`: the whole request is refused. */
  scope: 'event' | 'request';
  /** HTTP status when it is the answer to a whole request or to a single event. */
  status: 400 | 401 | 413 | 415 | 429 | 503;
  /** What is wrong and what to do, as one sentence that holds without the value at fault. */
  summary: string;
}

const event = (summary: string, status: 400 | 413 = 400): IngestError => ({ scope: 'event', status, summary });
const request = (status: IngestError['status'], summary: string): IngestError => ({
  scope: 'request',
  status,
  summary,
});

export const INGEST_ERRORS = {
  not_an_object: event('An event is a JSON object; send {"eventId": …, "eventName": …, …}.'),
  missing_event_id: event(
    'Give every event an eventId of its own (a UUID), made when the event is captured and kept on retries.',
  ),
  missing_event_name: event('Give the event an eventName, like "purchase".'),
  missing_identity: event('Give the event a userId or an anonymousId, or both.'),
  missing_group_id: event('A group event needs a groupId.'),
  missing_previous_id: event('An alias event needs the previousId that it links to the userId.'),
  wrong_type: event('Send the field as the JSON type that the protocol names.'),
  too_long: event('Shorten the field to its limit.'),
  illegal_id: event(
    'This text is what a broken client sends in place of an id; send the real id, or leave the field out.',
  ),
  invalid_unicode: event('The text holds half of a surrogate pair; cut text between characters, not inside them.'),
  unknown_type: event('Use one of the types track, page, screen, identify, group, alias.'),
  invalid_timestamp: event(
    'Send times as RFC 3339 with a zone, like "2026-05-03T10:00:00.123Z", or as epoch milliseconds.',
  ),
  timestamp_out_of_range: event('Send event times between 1970 and 2261; check the clock of the device.'),
  older_than_retention: event(
    'The event is older than its project keeps events; lengthen the retention first, or leave the event out.',
  ),
  number_out_of_range: event('Send numbers that fit a 64-bit float; send longer ones as text.'),
  too_deep: event('Nest properties, context and traits at most 20 levels deep.'),
  too_many_properties: event('Send at most 512 properties; put lists into arrays.'),
  valve: event('The operator has stopped these events for now; do not send this one again.'),
  event_too_large: event('Keep an event under 64 KB of JSON; send large content elsewhere and its address here.', 413),

  invalid_json: request(400, 'The body is not JSON; send a JSON object in UTF-8.'),
  invalid_batch: request(400, 'A batch is a JSON object with an array "events".'),
  too_many_events: request(413, 'Send at most 5,000 events in one body.'),
  body_too_large: request(413, 'Send bodies of at most 4 MB, 16 MB after decompression; split the batch.'),
  unknown_write_key: request(
    401,
    'Send a valid write key: Authorization: Bearer KEY, Basic KEY:, or writeKey in body or query.',
  ),
  unsupported_encoding: request(415, 'Send the body as it is, or with Content-Encoding: gzip.'),
  rate_limited: request(429, 'The rate of this write key is used up; send again after Retry-After seconds.'),
  log_busy: request(
    503,
    'The log can take no more at the moment; nothing was stored, send again after Retry-After seconds.',
  ),
  disk_full: request(
    503,
    'The disk of the log is nearly full; nothing was stored, send again after Retry-After seconds.',
  ),
  log_unavailable: request(
    503,
    'The events could not be made durable and were not stored; send again after Retry-After seconds.',
  ),
} as const satisfies Record<string, IngestError>;

export type IngestErrorCode = keyof typeof INGEST_ERRORS;

/** Where a code is explained, relative to the root of the repository. */
export function documentationOf(code: IngestErrorCode): string {
  return `docs/protocol.md#${code}`;
}

/** One reason why an event can't be taken. */
export interface Fault {
  /** JSON path of the field, like `userId` or `properties.items[3].price`; `''` is the event itself. */
  field: string;
  code: IngestErrorCode;
  /** What is wrong with this very value and what to do, for the person who sent it. */
  detail: string;
}
