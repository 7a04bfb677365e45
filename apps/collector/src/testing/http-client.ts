/** A client of bare sockets that can send what no HTTP library would; for hostile requests. */
import { openRaw } from './sockets.ts';

export interface RawAnswer {
  status: number;
  body: Record<string, unknown>;
}

/** How a body travels. All of these are legal, and mean the same. */
export type Framing =
  | { kind: 'length'; pieces: number[] }
  | { kind: 'chunked'; pieces: number[]; extension: string; trailer: boolean }
  | { kind: 'http/1.0' }
  | { kind: 'expect' };

/** The bytes of a POST; `headers` as lines. */
export function requestBytes(path: string, headers: readonly string[], body: Buffer, framing: Framing): Buffer[] {
  const head = (version: string, ...more: string[]) =>
    Buffer.from([`POST ${path} HTTP/${version}`, 'Host: x', ...headers, ...more, '', ''].join('\r\n'), 'latin1');
  const length = `Content-Length: ${body.length}`;
  if (framing.kind === 'length') return [head('1.1', length), ...cut(body, framing.pieces)];
  if (framing.kind === 'http/1.0') return [head('1.0', length), body];
  if (framing.kind === 'expect') return [head('1.1', length, 'Expect: 100-continue'), body];
  const chunks = cut(body, framing.pieces).filter((chunk) => chunk.length > 0);
  const sized = chunks.flatMap((chunk) => [Buffer.from(`${chunk.length.toString(16)}${framing.extension}\r\n`, 'latin1'), chunk, Buffer.from('\r\n')]);
  return [head('1.1', 'Transfer-Encoding: chunked'), ...sized, Buffer.from(`0\r\n${framing.trailer ? 'X-Trailer: 1\r\n' : ''}\r\n`)];
}

/** Sends one request in pieces, each in a packet of its own where there are few, and reads its answer. */
export async function send(port: number, pieces: readonly Buffer[]): Promise<RawAnswer> {
  const raw = openRaw(port);
  raw.socket.setNoDelay(true);
  for (const piece of pieces) {
    raw.write(piece);
    if (pieces.length < 8) await new Promise((next) => setImmediate(next));
  }
  const text = await raw.until(/^(?:HTTP\/1\.1 100 [^]*?\r\n\r\n)*HTTP\/1\.1 [2-5]\d\d [^]*?\r\n\r\n\{[^]*\}$/);
  raw.socket.destroy();
  const answer = text.slice(text.lastIndexOf('HTTP/1.1 '));
  const split = answer.indexOf('\r\n\r\n');
  return {
    status: Number(answer.slice(9, 12)),
    body: JSON.parse(Buffer.from(answer.slice(split + 4), 'latin1').toString()) as Record<string, unknown>,
  };
}

/** A buffer in as many pieces as there are lengths, and the rest. */
function cut(bytes: Buffer, lengths: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  let at = 0;
  for (const length of lengths) pieces.push(bytes.subarray(at, (at += length)));
  return [...pieces, bytes.subarray(at)];
}
