/** Problem documents (RFC 9457): what the collector answers when it can't do what was asked. */
import { documentationOf, INGEST_ERRORS } from '@tidemark/event';
import type { IngestErrorCode } from '@tidemark/event';

/** Problems of the connection or of the way to the engine: no event is at fault. */
export const CONNECTION_ERRORS = {
  internal_error: { status: 500, summary: 'The collector failed on this; its log says why.' },
  bad_request: { status: 400, summary: 'The request is not valid HTTP/1.1.' },
  method_not_allowed: { status: 405, summary: 'Use the method that the Allow header names.' },
  request_timeout: { status: 408, summary: 'The request did not arrive in time; send it again, in smaller parts.' },
  headers_too_large: { status: 431, summary: 'Send at most 16 KB of headers.' },
  engine_unavailable: {
    status: 503,
    summary:
      'The engine that answers questions is starting or restarting; ask again after Retry-After seconds. Events are still taken.',
  },
  engine_timeout: { status: 504, summary: 'The engine did not answer in time; ask a smaller question or ask again.' },
  not_ready: { status: 503, summary: 'A part of the system is not ready.' },
} as const satisfies Record<string, { status: number; summary: string }>;

export type ProblemCode = IngestErrorCode | keyof typeof CONNECTION_ERRORS;

/** A whole request refused. */
export interface Refusal {
  code: ProblemCode;
  /** What was wrong with this very request; the catalogue's sentence when there is nothing to add. */
  detail?: string;
  retryAfterSeconds?: number;
  /** In place of the code's own, for clients that do the wrong thing on that. */
  status?: number;
  /** Further members of the document. */
  extra?: Record<string, unknown>;
}

export interface Problem {
  /** Where the code is explained. */
  type: string;
  title: string;
  status: number;
  code: string;
  /** What was wrong with this very request, and what to do. */
  detail: string;
  documentation: string;
  [member: string]: unknown;
}

export function problemOf(refusal: Refusal): Problem {
  const { code } = refusal;
  const { status, summary } = isIngestCode(code) ? INGEST_ERRORS[code] : CONNECTION_ERRORS[code];
  const documentation = isIngestCode(code) ? documentationOf(code) : `docs/protocol.md#${code}`;
  return {
    type: documentation,
    title: summary,
    status: refusal.status ?? status,
    code,
    detail: refusal.detail ?? summary,
    documentation,
    ...refusal.extra,
  };
}

function isIngestCode(code: string): code is IngestErrorCode {
  return Object.hasOwn(INGEST_ERRORS, code);
}
