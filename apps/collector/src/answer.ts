import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { problemOf } from './problem.ts';
import type { Refusal } from './problem.ts';

/** How long a refused sender may go on sending before the connection is cut. */
const LINGER_MS = 1_000;

export interface Answer {
  status: number;
  /** Written as JSON, but for what has its bytes already. */
  body: object | Buffer;
  /** `application/json` when not given. */
  contentType?: string;
}

export function answer(
  res: ServerResponse,
  { status, body, contentType }: Answer,
  headers: OutgoingHttpHeaders = {},
): void {
  const text = Buffer.isBuffer(body) ? body : JSON.stringify(body);
  headers['content-type'] = contentType ?? 'application/json';
  headers['content-length'] = Buffer.byteLength(text);
  res.writeHead(status, headers);
  res.end(text);
}

/** Answers with a problem document and returns its status. A short rest of the body is read off, a long one cut. */
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
  if (req.complete || !isLong(req))
    answer(res, { status: problem.status, body: problem, contentType: 'application/problem+json' }, headers);
  else answerAndCut(req, res, problem.status, problem, headers);
  return problem.status;
}

/** More to come than is worth reading for the sake of the connection. */
function isLong(req: IncomingMessage): boolean {
  const length = req.headers['content-length'];
  return length === undefined ? req.headers['transfer-encoding'] !== undefined : Number(length) > 256 * 1024;
}

/**
 * Sends the whole answer, goes on reading for a moment, then closes. Closing a socket with unread bytes resets it,
 * and the sender would lose the answer that explains why (RFC 9112, section 9.6).
 */
function answerAndCut(
  req: IncomingMessage,
  res: ServerResponse,
  status: number,
  body: object,
  headers: OutgoingHttpHeaders,
): void {
  const text = JSON.stringify(body);
  res.writeHead(status, {
    ...headers,
    'content-type': 'application/problem+json',
    'content-length': Buffer.byteLength(text),
    connection: 'close',
  });
  res.write(text);
  const timer = setTimeout(end, LINGER_MS);
  function end(): void {
    clearTimeout(timer);
    res.end();
  }
  req.once('end', end).once('close', end);
  req.resume();
}

/**
 * Reads what is left of a body, for a moment, so that its connection can be used again; cuts it when there is more.
 * Also when all of it has come (`req.complete`): the socket stays paused until what was buffered is read.
 */
export function readOff(req: IncomingMessage): void {
  if (req.readableEnded || req.destroyed) return;
  const timer = setTimeout(() => req.destroy(), LINGER_MS);
  req.once('end', () => clearTimeout(timer)).once('close', () => clearTimeout(timer));
  req.resume();
}
