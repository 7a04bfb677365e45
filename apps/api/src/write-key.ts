/**
 * The write key of a request, in all the ways in which the collector takes one: `Bearer K`, `Basic base64(K:)`,
 * `writeKey` in the query string or in the body. What stands before the first `:` counts.
 */
export function keyOf(authorization: string | undefined, query: unknown, body: unknown): string | undefined {
  return ofAuthorization(authorization) ?? plain((query as Fields)?.writeKey) ?? plain((body as Fields)?.writeKey);
}

type Fields = { writeKey?: unknown } | null | undefined;

function ofAuthorization(authorization = ''): string | undefined {
  const space = authorization.indexOf(' ');
  const scheme = authorization.slice(0, space).toLowerCase();
  const value = authorization.slice(space + 1).trim();
  if (scheme === 'bearer') return plain(value);
  if (scheme === 'basic') return plain(Buffer.from(value, 'base64').toString());
  return undefined;
}

function plain(text: unknown): string | undefined {
  if (typeof text !== 'string') return undefined;
  const [key = ''] = text.split(':', 1);
  return key === '' ? undefined : key;
}
