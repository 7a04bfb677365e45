/** The way to the engine: everything that isn't ingest goes there over its local socket, as a stream. */
import { request } from 'node:http';
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Metrics } from '@tidemark/metrics';
import type { Socket } from 'node:net';
import { answerProblem } from './answer.ts';
import { EngineConnections, type PlainBody, type PlainHead } from './engine-connection.ts';
import { endToEndHeaders } from './hop-by-hop.ts';
import { readOff } from './unread-body.ts';

export interface EngineDeps {
  socketPath: string;
  /** How long the engine may take to begin an answer. */
  timeoutMs: number;
  trustedProxies: number;
  metrics: Metrics;
}

/** More than any page of metrics or readiness; a runaway answer ends here. */
const MAX_PROBE_BYTES = 8 * 1024 * 1024;
/** What may wait for a slow reader of an answer before no more of it is read. */
const MAX_WAITING_BYTES = 256 * 1024;

export class Engine {
  readonly #deps: EngineDeps;
  /** Ends answers that have no end of their own (server-sent events). */
  readonly #endless = new Set<() => void>();
  readonly #connections: EngineConnections;

  constructor(deps: EngineDeps) {
    this.#deps = deps;
    this.#connections = new EngineConnections(deps.socketPath);
  }

  /** Hands a request on and streams the answer back. Either side's going away ends the other. */
  forward(req: IncomingMessage, res: ServerResponse): void {
    if (req.headers.expect !== undefined) res.writeContinue();
    // Only what may be asked twice goes over a connection that the engine may just be closing.
    const isBare = (req.method === 'GET' || req.method === 'HEAD') && req.headers['transfer-encoding'] === undefined && Number(req.headers['content-length'] ?? 0) === 0;
    this.#ask(req, res, isBare);
  }

  #ask(req: IncomingMessage, res: ServerResponse, overKept: boolean): void {
    const connections = this.#connections;
    let [answered, isOver] = [false, false];
    const way = overKept ? { agent: connections.kept } : { createConnection: (): Socket => connections.connect() };
    const onward = request({ method: req.method ?? 'GET', path: req.url ?? '/', headers: this.#headersFor(req), setHost: false, ...way });
    /** Once all of an answer was written: an engine may answer before it has read the whole request. */
    const endAnswer = (): void => readOff(req.unpipe(onward), () => res.end());
    onward.once('socket', (socket) => {
      // Without an agent nobody else ends a connection that could serve again.
      if (!overKept) socket.once('free', () => socket.destroy());
      connections.begin(socket, (head) => {
        // The length is that of a body which does not come.
        if (req.method === 'HEAD') return undefined;
        answered = true;
        clearTimeout(timer);
        return this.#passPlain(head, res, socket, onward, overKept, endAnswer);
      });
    });
    const timer = setTimeout(() => onward.destroy(new EngineTimeout()), this.#deps.timeoutMs);
    onward.once('response', (answer) => {
      // Of one that was passed on plain nothing is left.
      if (answered) return void answer.resume();
      answered = true;
      clearTimeout(timer);
      this.#passBack(answer, res, endAnswer);
      // What the engine no longer reads would stay in the connection, and the sender's next request behind it. After an
      // early answer a ClientRequest hears no more 'drain' (Node 20), so it would not end by itself.
      answer.once('close', () => onward.destroy());
    });
    onward.on('error', (error) => {
      clearTimeout(timer);
      // Once there is an answer, its own end tells.
      if (answered || isOver) return;
      isOver = true;
      if (onward.reusedSocket && !res.destroyed && !(error instanceof EngineTimeout)) this.#ask(req, res, false);
      else this.#fail(req.unpipe(onward), res, error);
    });
    res.once('close', () => {
      clearTimeout(timer);
      if (!res.writableFinished) onward.destroy();
    });
    req.pipe(onward);
  }

  /** A GET of our own; undefined when the engine is away or takes longer than `timeoutMs`. */
  get(path: string, timeoutMs: number): Promise<{ status: number; contentType: string; body: Buffer } | undefined> {
    return new Promise((resolve) => {
      const asked = this.#open('GET', path, { host: 'engine' });
      const timer = setTimeout(() => asked.destroy(), timeoutMs);
      function settle(answer?: { status: number; contentType: string; body: Buffer }): void {
        clearTimeout(timer);
        resolve(answer);
        if (answer === undefined) asked.destroy();
      }
      asked.once('error', () => settle());
      asked.once('response', (answer) => {
        const chunks: Buffer[] = [];
        let size = 0;
        answer.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > MAX_PROBE_BYTES) settle();
          else chunks.push(chunk);
        });
        answer.once('end', () => {
          settle({
            status: answer.statusCode ?? 0,
            contentType: answer.headers['content-type'] ?? '',
            body: Buffer.concat(chunks),
          });
        });
        answer.once('close', () => settle());
      });
      asked.end();
    });
  }

  /** Ends the answers that would never end, so that the rest can be waited for. */
  stop(): void {
    for (const end of this.#endless) end();
    this.#connections.close();
  }

  #open(method: string, path: string, headers: ReturnType<typeof endToEndHeaders>): ClientRequest {
    // A connection each: no request can meet one that the engine has just closed.
    return request({ socketPath: this.#deps.socketPath, method, path, headers, agent: false, setHost: false });
  }

  #headersFor(req: IncomingMessage): ReturnType<typeof endToEndHeaders> {
    const headers = endToEndHeaders(req.headers);
    const peer = req.socket.remoteAddress ?? '';
    const before = this.#deps.trustedProxies > 0 ? req.headers['x-forwarded-for'] : undefined;
    headers['x-forwarded-for'] = before === undefined ? peer : `${String(before)}, ${peer}`;
    if (this.#deps.trustedProxies === 0) {
      // Nobody may tell us these but a proxy of ours.
      headers['x-forwarded-proto'] = 'http';
      headers['x-forwarded-host'] = req.headers.host ?? '';
      delete headers['forwarded'];
    }
    // Not `close`: the engine would close as soon as it has answered, and a body still being written then fails with EPIPE
    // before the answer is read (seen on 1 of 5 small POSTs). Where it is not kept, our side ends the connection after the answer.
    headers['connection'] = 'keep-alive';
    // Node frames a body by the headers it is given: keep the sender's choice, for none is no body.
    if (req.headers['transfer-encoding'] !== undefined) headers['transfer-encoding'] = 'chunked';
    return headers;
  }

  #passBack(answer: IncomingMessage, res: ServerResponse, endAnswer: () => void): void {
    if (!this.#begin(answer.statusCode ?? 502, answer.statusMessage, answer.headers, res)) return void answer.destroy();
    // At once: a stream of events may have nothing to say for a while.
    if (answer.headers['content-length'] === undefined) res.flushHeaders();
    if (answer.headers['content-type']?.startsWith('text/event-stream') === true) {
      const end = (): void => {
        answer.unpipe(res);
        endAnswer();
        answer.destroy();
      };
      this.#endless.add(end);
      res.once('close', () => this.#endless.delete(end));
    }
    answer.pipe(res, { end: false });
    answer.once('end', endAnswer);
    // An answer that broke off must not look whole.
    const cut = (): void => {
      if (!answer.complete && !res.writableEnded) res.destroy();
    };
    answer.once('close', cut).once('error', cut);
  }

  /** An answer whose bytes are sent on from where they were read. */
  #passPlain({ status, statusMessage, headers }: PlainHead, res: ServerResponse, socket: Socket, onward: ClientRequest, isKept: boolean, endAnswer: () => void): PlainBody {
    const isWanted = this.#begin(status, statusMessage, headers, res);
    let isWhole = false;
    if (!isWanted) onward.destroy();
    onward.once('close', () => {
      // An answer that broke off must not look whole.
      if (!isWhole) res.destroy();
    });
    return {
      write(bytes) {
        if (!isWanted || res.destroyed) return false;
        if (res.write(bytes) || res.writableLength <= MAX_WAITING_BYTES) return true;
        res.once('drain', () => socket.resume());
        return false;
      },
      end(free) {
        isWhole = true;
        // Before what still comes of the request is read: that may take its time.
        if (res.req.complete) res.once('finish', free);
        else res.write('', (error) => void (error || free()));
        if (isWanted) endAnswer();
        if (!isKept || !isWanted) onward.destroy();
      },
      isSent: () => res.writableLength === 0,
    };
  }

  /** False when nobody waits for the answer any more. */
  #begin(status: number, statusMessage: string | undefined, headers: IncomingHttpHeaders, res: ServerResponse): boolean {
    this.#deps.metrics.counter('tidemark_proxy_requests_total', { status: String(status) }).inc();
    if (res.destroyed || res.writableEnded) return false;
    res.writeHead(status, statusMessage, endToEndHeaders(headers));
    return true;
  }

  #fail(req: IncomingMessage, res: ServerResponse, error: Error): void {
    if (res.headersSent || res.destroyed) return void res.destroy();
    const code = error instanceof EngineTimeout ? 'engine_timeout' : 'engine_unavailable';
    // Browsers know no Retry-After; with Refresh a person's page comes back by itself.
    const headers = req.headers.accept?.includes('text/html') === true ? { refresh: '2' } : {};
    const status = answerProblem(req, res, { code, retryAfterSeconds: 2 }, headers);
    this.#deps.metrics.counter('tidemark_proxy_requests_total', { status: String(status) }).inc();
  }
}

class EngineTimeout extends Error {}
