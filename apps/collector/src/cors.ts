import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';

/**
 * Headers of every ingest answer, errors included: a page may send from any origin, and must see Retry-After.
 * The origin is echoed, not `*`, because some clients send with credentials (snowplow) and browsers refuse `*` then.
 * Nothing here reads cookies, so this opens nothing.
 */
export function corsHeaders(req: IncomingMessage): OutgoingHttpHeaders {
  const { origin } = req.headers;
  if (origin === undefined) return {};
  return {
    'access-control-allow-origin': origin,
    'access-control-allow-credentials': 'true',
    'access-control-expose-headers': 'Retry-After',
    vary: 'Origin',
  };
}

/** Answers a preflight. Requested headers are echoed: with a fixed list some client's retry header is always missing. */
export function answerPreflight(req: IncomingMessage, res: ServerResponse): void {
  const headers = corsHeaders(req);
  const requested = req.headers['access-control-request-headers'];
  if (requested !== undefined) headers['access-control-allow-headers'] = requested;
  headers['access-control-allow-methods'] = 'GET, POST, OPTIONS';
  headers['access-control-max-age'] = '7200';
  headers['vary'] = 'Origin, Access-Control-Request-Headers';
  headers['content-length'] = 0;
  res.writeHead(204, headers).end();
}
