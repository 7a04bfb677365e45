import { gunzipSync } from 'node:zlib';

export type Inflated = { kind: 'plain'; bytes: Buffer } | { kind: 'too_large' } | { kind: 'broken'; reason: string };

/**
 * Undoes gzip when the body is gzip, whatever the headers say: some clients label it wrongly or not at all, and some
 * proxies unpack it and leave the label. Synchronous, so that one body at a time is held unpacked (at most
 * `maxBytes`, some 40 ms of work); parsing the result takes longer still and can't be moved aside either.
 */
export function inflate(bytes: Buffer, maxBytes: number): Inflated {
  if (bytes.length < 2 || bytes[0] !== 0x1f || bytes[1] !== 0x8b) return { kind: 'plain', bytes };
  try {
    const chunkSize = Math.min(maxBytes, Math.max(16 * 1024, bytes.length * 8));
    return { kind: 'plain', bytes: gunzipSync(bytes, { maxOutputLength: maxBytes, chunkSize }) };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return { kind: 'too_large' };
    return { kind: 'broken', reason: error.message };
  }
}

/** True when a Content-Encoding names nothing but gzip (once) and identity. */
export function isKnownEncoding(contentEncoding: string | undefined): boolean {
  if (contentEncoding === undefined || contentEncoding === '') return true;
  let gzips = 0;
  for (const part of contentEncoding.toLowerCase().split(',')) {
    const encoding = part.trim();
    if (encoding === 'gzip' || encoding === 'x-gzip') gzips++;
    else if (encoding !== 'identity' && encoding !== '') return false;
  }
  return gzips <= 1;
}
