import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { problemOf } from './problem.ts';
import type { Refusal } from './problem.ts';
import { readOff } from './unread-body.ts';

export interface Answer {
  status: number;
  /** Written as JSON, but for what has its bytes already. */
  body: object | Buffer;
  /** `application/json` when not given. */
  contentType?: string;
}

/** The answer is sent at once; it ends when what still comes of its request was read, or cut. */
export function answer(
  res: ServerResponse,
  { status, body, contentType }: Answer,
  headers: OutgoingHttpHeaders = {},
): void {
  const text = Buffer.isBuffer(body) ? body : JSON.stringify(body);
  headers['content-type'] = contentType ?? 'application/json';
  headers['content-length'] = Buffer.byteLength(text);
  res.writeHead(status, headers);
  if (res.req.complete) {
    res.end(text);
    readOff(res.req);
  } else {
    res.write(text);
    readOff(res.req, () => res.end());
  }
}

/** Answers with a problem document and returns its status. */
export function answerProblem(
  req: IncomingMessage,
  res: ServerResponse,
  refusal: Refusal,
  headers: OutgoingHttpHeaders = {},
): number {
  const problem = problemOf(refusal);
  if (refusal.retryAfterSeconds !== undefined) headers['retry-after'] = String(refusal.retryAfterSeconds);
  // RFC 9110 wants a challenge with each 401; Bearer makes no browser open a password dialogue.
  if (problem.status === 401) headers['www-authenticate'] = 'Bearer realm="tidemark"';
  if (problem.status === 415) headers['accept-encoding'] = 'gzip, identity';
  if (!req.complete && isLong(req)) headers['connection'] = 'close';
  answer(res, { status: problem.status, body: problem, contentType: 'application/problem+json' }, headers);
  return problem.status;
}

/** More to come than is worth reading for the sake of the connection. */
function isLong(req: IncomingMessage): boolean {
  const length = req.headers['content-length'];
  return length === undefined ? req.headers['transfer-encoding'] !== undefined : Number(length) > 256 * 1024;
}
