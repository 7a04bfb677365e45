/**
 * Connections to the engine that read into memory which is used again. Node's client takes new memory for each read, and copies each
 * body out of it: of a person's page, 120 KB, 300 KB were left to be collected, and as nothing of it lies in V8's young space, whole
 * collections had to do it: 13 to 16 for a thousand pages, each 5 to 10 ms that somebody waited for (Node 20.20).
 */
import type { IncomingHttpHeaders } from 'node:http';
import { connect, type Socket } from 'node:net';

const READ_BYTES = 65_536;
/** What is kept for later: 2 MB. */
const MAX_FREE = 32;

/** The head of an answer whose body is so many bytes that lie in it as they are. */
export interface PlainHead {
  status: number;
  statusMessage: string;
  headers: IncomingHttpHeaders;
  bodyBytes: number;
}

/** Takes a plain answer in place of Node's parser. */
export interface PlainBody {
  /** The next bytes; they stay as they are until `isSent`. False: no more for now, until the socket is resumed. */
  write(bytes: Buffer): boolean;
  end(): void;
  /** Whether nothing of what was written is needed any more. */
  isSent(): boolean;
}

/** Memory for reads, shared by all connections. */
export class ReadMemory {
  readonly #free: Buffer[] = [];

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(READ_BYTES);
  }

  give(buffers: Buffer[]): void {
    for (const buffer of buffers.splice(0)) if (this.#free.length < MAX_FREE) this.#free.push(buffer);
  }
}

export interface EngineConnection {
  socket: Socket;
  /** To be called once its answer was sent or is given up: its memory serves others then. */
  release(): void;
}

/**
 * `onPlain` is asked once when an answer begins that may be taken plain, and may leave it to Node's parser (undefined). Everything else
 * goes through that parser, which keeps nothing of the memory.
 */
export function connectToEngine(path: string, memory: ReadMemory, onPlain: (head: PlainHead) => PlainBody | undefined): EngineConnection {
  /** Read into since the body was last sent; the last of them is the one that is read into now. */
  const held: Buffer[] = [];
  let body: PlainBody | 'by the parser' | undefined;
  let left = 0;

  function next(): Buffer {
    // The parser has copied what it needs.
    if (body === 'by the parser' && held.length > 0) return held[0]!;
    if (body === undefined || (body !== 'by the parser' && body.isSent())) memory.give(held);
    const buffer = memory.take();
    held.push(buffer);
    return buffer;
  }

  function hear(length: number, read: Uint8Array): boolean {
    const bytes = Buffer.from(read.buffer, read.byteOffset, length);
    if (body === undefined) {
      const head = plainHead(bytes);
      body = (head && onPlain(head)) ?? 'by the parser';
      if (head !== undefined && body !== 'by the parser') {
        left = head.bodyBytes;
        return pass(body, bytes.subarray(head.headBytes));
      }
    }
    if (body !== 'by the parser') return pass(body, bytes);
    socket.emit('data', bytes);
    return true;
  }

  function pass(to: PlainBody, bytes: Buffer): boolean {
    if (left === 0) return true;
    const taken = bytes.length > left ? bytes.subarray(0, left) : bytes;
    left -= taken.length;
    const goesOn = taken.length === 0 || to.write(taken);
    if (left === 0) to.end();
    return goesOn;
  }

  const socket: Socket = connect({ path, onread: { buffer: next, callback: hear } });
  return { socket, release: () => memory.give(held) };
}

const HEAD_END = Buffer.from('\r\n\r\n');

/** undefined unless the head is whole, the answer is a final one, and its body's length stands in it. */
function plainHead(bytes: Buffer): (PlainHead & { headBytes: number }) | undefined {
  const end = bytes.indexOf(HEAD_END);
  if (end < 0) return undefined;
  const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const [, status, statusMessage = ''] = /^HTTP\/1\.1 ([2-5]\d\d) ?(.*)$/.exec(first) ?? [];
  if (status === undefined || status === '204' || status === '304') return undefined;
  const headers: IncomingHttpHeaders = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    // What may come twice, and what frames a body in other ways, is the parser's.
    if (colon < 1 || headers[name] !== undefined || name === 'set-cookie' || name === 'transfer-encoding' || name === 'upgrade') return undefined;
    headers[name] = line.slice(colon + 1).trim();
  }
  const length = headers['content-length'] ?? '';
  if (!/^[1-9]\d{0,14}$/.test(length)) return undefined;
  return { status: Number(status), statusMessage, headers, bodyBytes: Number(length), headBytes: end + HEAD_END.length };
}
