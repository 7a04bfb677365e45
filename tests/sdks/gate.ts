/** What stands between a client and the collector: a proxy that can be shut, hang, be slow, or lose requests and say they arrived. */
import { createServer, request as send } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

type GateMode =
  | { kind: 'open' | 'hanging' | 'resetting' }
  | { kind: 'slow'; ms: number }
  | { kind: 'answering'; status: number; retryAfter?: string }
  /** Of each hundred requests so many are answered as taken and thrown away. */
  | { kind: 'losing'; percent: number };

export interface Gate {
  url: string;
  mode: GateMode;
  /** Requests that came, in the mode of their time. */
  requests: number;
  /** So many of them stood here side by side. */
  mostAtOnce: number;
  /** So many that were passed on had a body that is packed by gzip, whatever its labels say. */
  zipped: number;
  /** No network: nobody listens, connections are cut. */
  shut(): Promise<void>;
  /** The same address again; nothing where it is open. */
  reopen(): Promise<void>;
  close(): Promise<void>;
}

/** `path` is what the proxy answers under, as of a site that sends events through itself; it is not passed on. */
export async function openGate(target: string, path = ''): Promise<Gate> {
  const server = createServer((request, response) => void handle(request, response));
  const listen = (port: number): Promise<void> => new Promise((done) => server.listen(port, '127.0.0.1', done));
  await listen(0);
  const { port } = server.address() as AddressInfo;
  let standing = 0;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => {});
    const { mode } = gate;
    if (request.method === 'OPTIONS') return pass(request, response);
    gate.requests++;
    gate.mostAtOnce = Math.max(gate.mostAtOnce, ++standing);
    response.on('close', () => standing--);
    switch (mode.kind) {
      case 'hanging':
        return;
      case 'resetting':
        request.socket.resetAndDestroy();
        return;
      case 'slow':
        await new Promise((end) => setTimeout(end, mode.ms));
        return pass(request, response);
      case 'answering':
        request.resume();
        if (mode.retryAfter) response.setHeader('retry-after', mode.retryAfter);
        return answer(request, response, mode.status, '{}');
      case 'losing':
        if (gate.requests % Math.round(100 / mode.percent) !== 0) return pass(request, response);
        request.resume();
        return answer(request, response, 202, '{"accepted":1,"receivedAt":"2026-01-01T00:00:00.000Z","rejected":[]}');
      case 'open':
        return pass(request, response);
    }
  }

  function answer(request: IncomingMessage, response: ServerResponse, status: number, body: string): void {
    response.writeHead(status, {
      'content-type': 'application/json',
      'access-control-allow-origin': request.headers.origin ?? '*',
      'access-control-expose-headers': 'Retry-After',
    });
    response.end(body);
  }

  function pass(request: IncomingMessage, response: ServerResponse): void {
    const onward = send(target + request.url!.slice(path.length), { method: request.method, headers: request.headers }, (answered) => {
      response.writeHead(answered.statusCode!, answered.headers);
      answered.pipe(response);
    });
    onward.on('error', () => response.destroy());
    request.on('aborted', () => onward.destroy());
    request.once('data', ([first, second]: Buffer) => (gate.zipped += Number(first === 0x1f && second === 0x8b)));
    request.pipe(onward);
  }

  const close = (): Promise<void> =>
    new Promise((done) => {
      server.close(() => done());
      server.closeAllConnections();
    });
  const gate: Gate = {
    url: `http://127.0.0.1:${port}${path}`,
    mode: { kind: 'open' },
    requests: 0,
    mostAtOnce: 0,
    zipped: 0,
    shut: close,
    reopen: () => (server.listening ? Promise.resolve() : listen(port)),
    close: () => (server.listening ? close() : Promise.resolve()),
  };
  return gate;
}
