import type { IncomingMessage } from 'node:http';

/**
 * The write key in the head of a request: `Authorization: Bearer K`, `Basic base64(K:)`, or `?writeKey=K`. The first
 * that is there counts. Undefined when none is: the key may still be in the body.
 */
export function keyOfHead(req: IncomingMessage, query: string): string | undefined {
  return keyOfAuthorization(req.headers.authorization) ?? keyOfQuery(query);
}

/** The top-level `writeKey` of a parsed body. */
export function keyOfBody(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || !('writeKey' in body)) return undefined;
  return typeof body.writeKey === 'string' ? plainKey(body.writeKey) : undefined;
}

function keyOfAuthorization(authorization: string | undefined): string | undefined {
  if (authorization === undefined) return undefined;
  const space = authorization.indexOf(' ');
  const scheme = authorization.slice(0, space).toLowerCase();
  const value = authorization.slice(space + 1).trim();
  if (scheme === 'bearer') return plainKey(value);
  if (scheme === 'basic') return plainKey(Buffer.from(value, 'base64').toString());
  return undefined;
}

function keyOfQuery(query: string): string | undefined {
  if (!query.includes('writeKey=')) return undefined;
  const value = new URLSearchParams(query).get('writeKey');
  return value === null ? undefined : plainKey(value);
}

/** Only the part before the first `:` counts: Basic sends `K:`, and some clients insist on keys like `id:secret`. */
export function plainKey(text: string): string | undefined {
  const colon = text.indexOf(':');
  const key = colon < 0 ? text : text.slice(0, colon);
  return key === '' ? undefined : key;
}
