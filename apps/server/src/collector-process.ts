/** The collector's process: the public port and the log's one writer. */
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { createCollector, DEFAULT_BOUNDS } from '@tidemark/collector';
import { openKeyDirectory } from '@tidemark/control';
import { LmdbLogWriter, probeFolder } from '@tidemark/log';
import { createMetrics } from '@tidemark/metrics';
import { createAdmission, openGeo } from '@tidemark/pipeline';
import { pino } from 'pino';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { runChild, type RoleContext, type RunningRole } from './child.ts';
import type { ListeningSocket } from './child-messages.ts';
import { dataFolders } from './data-folder.ts';
import { freeBytes } from './disk.ts';
import { endWhenGivenUp } from './given-up.ts';
import { LogRetention } from './log-retention.ts';
import { readPageScripts } from './page-scripts.ts';
import type { ServerSettings } from './settings.ts';
import { StartProblem } from './start-problem.ts';
import { refuseDamagedLog } from './start/damaged-log.ts';
import { markLogPrepared, prepareLog } from './start/prepare-log.ts';
import { controlPathOf } from './start/server.ts';

const HOUSEKEEPING_MS = 60_000;
/** Connections that wait to be accepted, as they do while the collector is started again. */
const BACKLOG = 1024;

/** Longer than a question may take where that is longer than usual, so that who asks hears what is wrong with it. */
const BEHIND_A_QUESTION_MS = 60_000;

function engineTimeoutOf({ questionLimits: { timeoutMs = 0 } }: ServerSettings): { engineTimeoutMs?: number } {
  const engineTimeoutMs = timeoutMs + BEHIND_A_QUESTION_MS;
  return engineTimeoutMs > DEFAULT_BOUNDS.engineTimeoutMs ? { engineTimeoutMs } : {};
}

async function start(settings: ServerSettings, { listener, tell }: RoleContext): Promise<RunningRole> {
  const folders = dataFolders(settings.dataPath);
  const logger = pino({ level: settings.logLevel, base: { role: 'collector' } });
  const metrics = createMetrics({ role: 'collector', withProcess: true });
  refuseDamagedLog(folders);
  for (const sentence of await prepareLog(folders, Date.now())) tell(sentence);
  const log = await LmdbLogWriter.open(folders.log);
  markLogPrepared(settings);
  metrics.beforeScrape(() => metrics.gauge('tidemark_log_pending_bytes', {}).set(log.pendingBytes));
  const keys = await openKeyDirectory(controlPathOf(settings.dataPath));
  const collector = createCollector({
    log,
    keys,
    admission: createAdmission({ countryOf: await openGeo() }),
    nowMs: Date.now,
    engineSocketPath: settings.engineSocketPath,
    metrics,
    logger,
    disk: { freeBytes: () => freeBytes(folders.log), probe: () => probeFolder(folders.log) },
    bounds: { diskReserveBytes: settings.diskReserveBytes, ...engineTimeoutOf(settings) },
    rateLimits: settings.rateLimits,
    trustProxy: settings.trustProxy,
    pageScripts: readPageScripts(settings.analyticsJsPath),
  });
  const stopLooking = endWhenGivenUp(log, folders.log, tell);
  const retention = new LogRetention(log, folders.positions);
  let dropping: Promise<void> | undefined;
  const housekeeping = setInterval(() => {
    log.checkReaders();
    dropping ??= retention
      .dropConsumed()
      .then(
        () => {},
        (err: unknown) => logger.error({ err }, 'old records could not be dropped from the log'),
      )
      .finally(() => (dropping = undefined));
  }, HOUSEKEEPING_MS);
  await listenForReplays(collector.replays, settings.replaySocketPath);
  const address = await listen(collector.server, settings, listener);
  return {
    address,
    ...(listener === undefined ? { listener: listeningSocketOf(collector.server) } : {}),
    async stop(drainMs) {
      clearInterval(housekeeping);
      stopLooking();
      await collector.close(drainMs);
      await dropping;
      await log.close();
      await keys.close();
    },
  };
}

/** Node has no public way to a server's handle, but takes and sends it in public ones (net: `server.listen(handle)`). */
function listeningSocketOf(server: Server): ListeningSocket {
  return (server as unknown as { _handle: ListeningSocket })._handle;
}

/** The folder's lock says that a socket found there is nobody's. */
function listenForReplays(server: Server, path: string): Promise<void> {
  mkdirSync(dirname(path), { recursive: true });
  rmSync(path, { force: true });
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(path, () => {
      // It asks for no token: whoever may read the data folder's secrets may use it.
      chmodSync(path, 0o600);
      resolve();
    });
  });
}

function listen(server: Server, { host, port }: ServerSettings, listener: ListeningSocket | undefined): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE';
      const sentence = taken
        ? `Port ${port} of ${host} is taken.`
        : `The collector can't listen on ${host}:${port} (${error.code}).`;
      reject(
        new StartProblem(taken ? 'port_taken' : 'address_unusable', sentence, 'give another with --port or --host.', {
          cause: error,
        }),
      );
    });
    const onListening = (): void => {
      const bound = server.address() as AddressInfo;
      const name = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address;
      resolve(`http://${name}:${bound.port}`);
    };
    if (listener !== undefined) server.listen(listener, BACKLOG, onListening);
    else server.listen({ host, port, backlog: BACKLOG }, onListening);
  });
}

runChild('collector', start);
