/** Who the events of a request are of, without passing it through every call: set once, by the middleware, and read by each event. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingMessage } from 'node:http';
import type { Properties } from '@tidemark/sdk-core';

export interface RequestIds {
  userId?: string | undefined;
  anonymousId?: string | undefined;
  sessionId?: string | undefined;
  /** Merged into `context` of each event; what the event says itself wins. */
  context?: Properties | undefined;
}

/** Headers by which a page tells its ids to its own backend (`identityHeaders` of the browser SDK). */
export const ANONYMOUS_ID_HEADER = 'x-tidemark-anonymous-id';
export const SESSION_ID_HEADER = 'x-tidemark-session-id';

export const requestIds = new AsyncLocalStorage<RequestIds>();

/** What a request says of who sent it: ids in our headers, address, browser, language and page. */
export function readRequestIds(request: IncomingMessage & { ip?: string }): RequestIds {
  const header = (name: string): string | undefined => {
    const value = request.headers[name];
    return typeof value === 'string' && value !== '' && value.length <= 256 ? value : undefined;
  };
  return {
    anonymousId: header(ANONYMOUS_ID_HEADER),
    sessionId: header(SESSION_ID_HEADER),
    context: {
      ip: request.ip ?? request.socket.remoteAddress,
      userAgent: request.headers['user-agent'],
      locale: request.headers['accept-language']?.split(',')[0],
      page: request.headers.referer && { url: request.headers.referer },
    },
  };
}
