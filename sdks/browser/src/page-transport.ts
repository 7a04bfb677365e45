import type { Transport } from '@tidemark/sdk-core';

/** From here gzip saves more than it costs; measured on batches of one and more events of 400 bytes. */
const MIN_GZIP_LENGTH = 1_024;
/** All requests of a page that outlive it share 64 KiB (https://fetch.spec.whatwg.org/#http-network-or-cache-fetch): one takes half at most. */
const MAX_KEEPALIVE_BYTES = 32_768;

/**
 * Sends to the collector without a preflight: the key is in the body, the type is text/plain, and gzip is told by its
 * first bytes (protocol C2, C3), so nothing of it needs a header that is not safelisted.
 */
export function createPageTransport(url: string): Transport {
  const post = (body: BodyInit, keepalive: boolean, timeoutMs: number): Promise<Response> =>
    fetch(url, {
      method: 'POST',
      body,
      keepalive,
      credentials: 'omit',
      headers: { 'content-type': 'text/plain' },
      // Types say that every browser has it; one from before 2022 gives up in its own time.
      signal: AbortSignal.timeout?.(timeoutMs),
    });
  return {
    async send(text, timeoutMs) {
      const body = await pack(text);
      const response = await post(body, body.size <= MAX_KEEPALIVE_BYTES, timeoutMs);
      const retryAfter = response.headers.get('retry-after');
      return { status: response.status, body: await response.text().catch(() => undefined), retryAfter };
    },
    handOver(body) {
      // A beacon is refused at once when the 64 KB are used up; a fetch only later, when nobody listens any more.
      try {
        if (!navigator.sendBeacon(url, body)) post(body, true, 60_000).catch(() => {});
        return true;
      } catch {
        return false;
      }
    },
  };
}

/** Gzip where the browser has it and it pays. */
async function pack(text: string): Promise<Blob> {
  const blob = new Blob([text]);
  if (text.length < MIN_GZIP_LENGTH || !globalThis.CompressionStream) return blob;
  return new Response(blob.stream().pipeThrough(new CompressionStream('gzip'))).blob();
}
