import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { KeyDirectory } from '@tidemark/control';
import type { LogWriter } from '@tidemark/log';
import type { Metrics } from '@tidemark/metrics';
import { answer, answerProblem } from './answer.ts';
import type { Answer } from './answer.ts';
import { Appender } from './append.ts';
import { BodyBudget } from './body.ts';
import { DEFAULT_BOUNDS } from './bounds.ts';
import type { CollectorBounds } from './bounds.ts';
import { onClientError } from './client-error.ts';
import { Connections } from './connections.ts';
import { answerPreflight, corsHeaders } from './cors.ts';
import { dialectOf } from './dialects/index.ts';
import { originOf, startUpDocument } from './dialects/start-up.ts';
import { Engine } from './engine.ts';
import { createIngest } from './ingest.ts';
import { IngestMetrics } from './ingest-metrics.ts';
import { Intake } from './intake.ts';
import type { AdmissionPort } from './intake.ts';
import { LogDisk } from './log-disk.ts';
import type { DiskBelowLog } from './log-disk.ts';
import type { Logger } from './logger.ts';
import { answerLivez, answerMetrics, answerReadyz } from './probes.ts';
import { KeyRates } from './rate-limit.ts';
import { ReplayDoor } from './replay/replay-door.ts';
import { createReplayServer } from './replay/replay-server.ts';

export interface CollectorOptions {
  log: LogWriter;
  keys: KeyDirectory;
  admission: AdmissionPort;
  /** The machine's clock, epoch ms; receivedAt comes from the log, and is ahead of a clock that was set back. */
  nowMs: () => number;
  /** The disk below the log; absent: how full it is is not looked at. */
  disk?: DiskBelowLog;
  /** Unix socket on which the engine listens; it may be away. */
  engineSocketPath: string;
  metrics: Metrics;
  logger: Logger;
  /** False lifts the rate limits of all keys. Default true. */
  rateLimits?: boolean;
  /** How many proxies of ours stand in front (true = 1): whom to believe about the sender's address. Default 0. */
  trustProxy?: boolean | number;
  /** Scripts for pages without a bundler, by their path, such as `/tidemark.js`. */
  pageScripts?: ReadonlyMap<string, Buffer>;
  /** Partitions of the events topic. Default 1. */
  partitions?: number;
  bounds?: Partial<CollectorBounds>;
}

export interface Collector {
  /** Not yet listening. */
  server: Server;
  /** Where the engine hands in quarantined events that are replayed; not yet listening. */
  replays: Server;
  /** Takes no more connections, finishes the requests in flight (cuts them after `drainMs`), and resolves when all are answered. */
  close(drainMs?: number): Promise<void>;
}

const QUIET_MS = 50;

/** The public port: takes events itself and hands everything else to the engine. */
export function createCollector(options: CollectorOptions): Collector {
  const { log, metrics, logger } = options;
  const bounds = { ...DEFAULT_BOUNDS, ...options.bounds };
  const trustedProxies = Number(options.trustProxy ?? 0);
  const ingestMetrics = new IngestMetrics(metrics);
  const disk = options.disk === undefined ? undefined : new LogDisk(options.disk, bounds.diskReserveBytes);
  const appender = new Appender(log, bounds.maxPendingLogBytes, ingestMetrics, logger, disk);
  const budget = new BodyBudget(bounds.maxBufferedBodyBytes);
  const engine = new Engine({
    socketPath: options.engineSocketPath,
    timeoutMs: bounds.engineTimeoutMs,
    trustedProxies,
    metrics,
  });
  const ingest = createIngest({
    appender,
    budget,
    trustedProxies,
    keys: options.keys,
    nowMs: options.nowMs,
    intake: new Intake(options.admission, options.partitions ?? 1, (err) =>
      logger.error({ err }, 'admission failed on an event; it is quarantined'),
    ),
    rates: options.rateLimits === false ? undefined : new KeyRates(options.nowMs),
    metrics: ingestMetrics,
  });

  function onFailure(req: IncomingMessage, res: ServerResponse, err: unknown): void {
    logger.error({ err }, 'a request failed in the collector');
    if (res.headersSent) res.destroy();
    else answerProblem(req, res, { code: 'internal_error' }, corsHeaders(req));
  }

  function route(req: IncomingMessage, res: ServerResponse): Promise<void> | void {
    const url = originForm(req);
    const mark = url.indexOf('?');
    const path = mark < 0 ? url : url.slice(0, mark);
    const query = mark < 0 ? '' : url.slice(mark + 1);
    const shape = INGEST_ROUTES.get(path);
    if (shape !== undefined) {
      if (req.method === 'POST') return ingest(req, res, { shape, query });
      if (req.method === 'OPTIONS') return answerPreflight(req, res);
      answerProblem(req, res, { code: 'method_not_allowed' }, { ...corsHeaders(req), allow: 'POST, OPTIONS' });
    } else if (foreignRoute(req, res, path, query)) return;
    else if (isRead(req) && path === '/livez') answerLivez(res);
    else if (isRead(req) && path === '/readyz') return answerReadyz(req, res, appender, engine);
    else if (isRead(req) && path === '/metrics') return answerMetrics(res, metrics, engine);
    else engine.forward(req, res);
  }

  /** Other vendors' clients: their events, and what they ask for before they send any. False: the path is none of theirs. */
  function foreignRoute(req: IncomingMessage, res: ServerResponse, path: string, query: string): boolean {
    const request = { path: path.replace(/\/$/, ''), query: new URLSearchParams(query), headers: req.headers, nowMs: options.nowMs() };
    const dialect = dialectOf(request.path);
    const script = options.pageScripts?.get(request.path.replace(ANALYTICS_JS, '/analytics.js'));
    const document = dialect ? undefined : script ? pageScript(script) : startUpDocument(request.path, request.query, originOf(req, trustedProxies));
    if (!dialect && !document) return false;
    if (req.method === 'OPTIONS') answerPreflight(req, res);
    else if (document) {
      answer(res, document, { ...corsHeaders(req), ...(script && { 'cache-control': 'public, max-age=3600' }) });
    } else if (req.method === (dialect!.bodyOfHead ? 'GET' : 'POST')) {
      ingest(req, res, { shape: 'batch', query, foreign: { dialect: dialect!, request } }).catch((error: unknown) =>
        onFailure(req, res, error),
      );
    } else {
      const allow = dialect!.bodyOfHead ? 'GET, OPTIONS' : 'POST, OPTIONS';
      answerProblem(req, res, { code: 'method_not_allowed' }, { ...corsHeaders(req), allow });
    }
    return true;
  }

  let closing = false;
  function onRequest(req: IncomingMessage, res: ServerResponse): void {
    connections.begin(req.socket, res);
    if (closing) res.setHeader('connection', 'close');
    try {
      route(req, res)?.catch((error: unknown) => onFailure(req, res, error));
    } catch (error) {
      onFailure(req, res, error);
    }
  }

  const server = createServer({
    headersTimeout: bounds.headersTimeoutMs,
    requestTimeout: bounds.requestTimeoutMs,
    keepAliveTimeout: bounds.keepAliveTimeoutMs,
    connectionsCheckingInterval: Math.min(5_000, bounds.headersTimeoutMs, bounds.requestTimeoutMs),
  });
  server.maxConnections = bounds.maxConnections;
  const connections = new Connections(server);
  // With a listener of its own, `Expect: 100-continue` is answered only after the head has been judged.
  server.on('request', onRequest).on('checkContinue', onRequest).on('clientError', onClientError);
  server.on('drop', () => ingestMetrics.refused('too_many_connections', 0));

  metrics.beforeScrape(() => {
    metrics.gauge('tidemark_log_pending_bytes', {}).set(log.pendingBytes);
    metrics.gauge('tidemark_ingest_inflight_bytes', {}).set(budget.heldBytes);
    metrics.gauge('tidemark_ingest_connections', {}).set(connections.open);
  });

  const replays = createReplayServer(new ReplayDoor(appender, options.partitions ?? 1), logger);

  return {
    server,
    replays,
    close(drainMs = bounds.drainTimeoutMs) {
      closing = true;
      replays.close();
      engine.stop();
      disk?.close();
      return new Promise((resolve) => {
        const timer = setTimeout(() => server.closeAllConnections(), drainMs);
        // Again and again: a connection falls quiet when its last answer is out. Not at once, for a request may be
        // on its way on one that looks quiet.
        const sweeper = setInterval(() => connections.closeQuiet(), QUIET_MS);
        server.close(() => {
          clearTimeout(timer);
          clearInterval(sweeper);
          resolve();
        });
      });
    },
  };
}

/** Where Segment's snippet looks for its script, whatever key it has. */
const ANALYTICS_JS = /^\/analytics\.js\/v1\/[\w:-]{1,200}\/analytics(\.min)?\.js$/;

const pageScript = (body: Buffer): Answer => ({ status: 200, body, contentType: 'text/javascript; charset=utf-8' });

const INGEST_ROUTES: ReadonlyMap<string, 'single' | 'batch'> = new Map([
  ['/api/events', 'single'],
  ['/api/events/', 'single'],
  ['/api/events/batch', 'batch'],
  ['/api/events/batch/', 'batch'],
]);

/** The path and query of a request, also when it came with scheme and host as to a proxy (RFC 9112, section 3.2.2). */
function originForm(req: IncomingMessage): string {
  const url = req.url ?? '/';
  if (url.startsWith('/') || url === '*' || !URL.canParse(url)) return url;
  const { pathname, search } = new URL(url);
  return (req.url = pathname + search);
}

function isRead(req: IncomingMessage): boolean {
  return req.method === 'GET' || req.method === 'HEAD';
}
