import type { Answer } from './ports.ts';

/** What an answer means for the batch that it answers (SPEC S3). */
export type Verdict =
  | { kind: 'delivered'; refused: number }
  | { kind: 'retry' | 'misconfigured' | 'split'; why: string; retryAfterMs?: number };

/** A server that asks for more has a date wrong. */
const MAX_RETRY_AFTER_MS = 3_600_000;

/** `answer` is `undefined` when none came. */
export function judge(answer: Answer | undefined, nowMs: number): Verdict {
  if (!answer) return { kind: 'retry', why: 'no answer' };
  const { status } = answer;
  const taken = status >= 200 && status < 300;
  const isLater = taken || status < 400 || status > 499 || [408, 425, 429].includes(status);
  const kind = isLater ? 'retry' : [401, 403, 404, 405].includes(status) ? 'misconfigured' : 'split';
  return (
    (taken && readDelivery(answer.body)) || {
      kind,
      why: `status ${status}`,
      retryAfterMs: readRetryAfter(answer.retryAfter, nowMs),
    }
  );
}

/** `undefined` unless it is the server's own answer to a batch (protocol C6). */
function readDelivery(body: string | undefined): Verdict | undefined {
  try {
    const { accepted, rejected } = JSON.parse(body!) as { accepted?: number; rejected?: unknown[] };
    return accepted! >= 0 && rejected ? { kind: 'delivered', refused: rejected.length } : undefined;
  } catch {
    return undefined;
  }
}

/** Seconds or an HTTP date (RFC 9110, 10.2.3), in milliseconds from now; 0 if there is none. */
function readRetryAfter(text: string | null | undefined, nowMs: number): number {
  const ms = text ? (/^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs) : 0;
  return ms > 0 ? Math.min(ms, MAX_RETRY_AFTER_MS) : 0;
}
