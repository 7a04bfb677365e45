import type { Socket } from 'node:net';
import { problemOf } from './problem.ts';
import type { ProblemCode } from './problem.ts';

/** What Node can't even parse, or gave up waiting for: a problem document on the bare socket. */
export function onClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const body = problemOf({ code: codeOf(error) });
  const text = JSON.stringify(body);
  socket.end(
    `HTTP/1.1 ${body.status} ${REASONS[body.status] ?? 'Error'}\r\nContent-Type: application/problem+json\r\n` +
      `Content-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`,
    // Half-closed is not enough: a slow sender would hold the socket for ever.
    () => socket.destroy(),
  );
}

const REASONS: Record<number, string> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
};

function codeOf(error: NodeJS.ErrnoException): ProblemCode {
  if (error.code === 'HPE_HEADER_OVERFLOW') return 'headers_too_large';
  return error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'request_timeout' : 'bad_request';
}
