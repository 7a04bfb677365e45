/**
 * How another vendor's clients speak: what their requests say in our words, and our outcome in the answer that makes
 * them do the right thing. One file each; limits, keys, admission, quarantine and accounting are the collector's, and
 * the same for all.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { Admission } from '@tidemark/pipeline';
import type { Answer } from '../answer.ts';

export interface ForeignRequest {
  /** Without a trailing slash. */
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  /** Epoch ms, when its head was there. */
  nowMs: number;
}

interface ForeignBatch {
  /** As they came. */
  items: readonly unknown[];
  /** One in our form (docs/protocol.md, E), with the `sentAt` that its time is to be corrected by. */
  translate(item: unknown): unknown;
}

export interface Dialect {
  /** Where clients of this kind look for us: exact paths, without a trailing slash. */
  paths: readonly string[];
  /** Paths that begin so, too; they end in `/`. */
  prefixes?: readonly string[];
  /** The write key, where it is neither in Authorization nor `?writeKey=`; only the part before the first `:` counts. */
  keyOfHead?(request: ForeignRequest): string | undefined;
  /** The key in what `parse` gave; absent: the field `writeKey`. */
  keyOfBody?(body: unknown): unknown;
  /** The value of a request without a body (a pixel); undefined: read the body. */
  bodyOfHead?(request: ForeignRequest): unknown;
  /** The events of a body; undefined when it holds no batch of this kind. */
  read(body: unknown, request: ForeignRequest): ForeignBatch | undefined;
  /** The answer when all of it is durable. */
  answer(admissions: readonly Admission[], receivedAtMs: number): Answer;
  /** The one answer there is, whatever became of the request: for those who can read no other. */
  only?: Answer;
  /** How they are told "not now" so that they keep the event; absent: as our own clients are. */
  notNow?(request: ForeignRequest): NotNow;
}

/** Of requests beyond a rate (C9), and of those that the log has no room for (C10). Which client keeps what: docs/clients.md. */
export type NotNow =
  /** The client waits by itself; `retryAfterSeconds` at least, where it tries only so many times. */
  | { kind: 'answer'; status: 429 | 503; retryAfterSeconds: number }
  /** No answer, and the connection closed: it takes trouble of the network for passing, and an answer for the last word. */
  | { kind: 'cut' }
  /** It never tries again, and so waits here until there is room; so long at most. */
  | { kind: 'hold'; ms: number };

export type JsonObject = Record<string, unknown>;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** An id as text: clients of dynamic languages send numbers. Those that JSON kept exact are made text, the rest is left to be refused (E5). */
export function textId(value: unknown): unknown {
  return typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value;
}

/** The first that is there: not null, not undefined, not empty. */
export function firstOf(...values: unknown[]): unknown {
  return values.find((value) => value !== undefined && value !== null && value !== '');
}

/** How many of a request became what, for answers that have room for it. */
export function countOutcomes(admissions: readonly Admission[]): { accepted: number; rejected: object[] } {
  const rejected = admissions.flatMap((admission, index) => {
    if (admission.kind !== 'quarantine' && admission.kind !== 'reject') return [];
    const { field, code, detail } = admission.kind === 'reject' ? admission.fault : admission.faults[0];
    return [{ index, messageId: admission.eventId, field, code, detail, quarantined: admission.kind === 'quarantine' }];
  });
  return { accepted: admissions.length - rejected.length, rejected };
}
