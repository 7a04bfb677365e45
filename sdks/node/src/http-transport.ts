import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Transport } from '@tidemark/sdk-core';

const compress = promisify(gzip);
/** Below, gzip saves less than its own cost. */
const MIN_GZIP_LENGTH = 1_024;

/** Node's fetch: connections are kept alive and shared by all requests to the host. */
export function createHttpTransport(url: string, writeKey: string): Transport {
  return {
    async send(text, timeoutMs) {
      const zipped = text.length >= MIN_GZIP_LENGTH;
      const response = await fetch(url, {
        method: 'POST',
        body: zipped ? new Uint8Array(await compress(text)) : text,
        headers: {
          'content-type': 'application/json',
          authorization: `Bearer ${writeKey}`,
          ...(zipped && { 'content-encoding': 'gzip' }),
        },
        redirect: 'manual',
        signal: AbortSignal.timeout(timeoutMs),
      });
      const body = await response.text().catch(() => undefined);
      return { status: response.status, body, retryAfter: response.headers.get('retry-after') ?? undefined };
    },
  };
}
