/** The collector's process: the public port and the log's one writer. */
import { createCollector } from '@tidemark/collector';
import { openKeyDirectory } from '@tidemark/control';
import { LmdbLogWriter } from '@tidemark/log';
import { createMetrics } from '@tidemark/metrics';
import { createAdmission, openGeo } from '@tidemark/pipeline';
import { pino } from 'pino';
import { runChild, type RunningRole } from './child.ts';
import { dataFolders } from './data-folder.ts';
import { dropConsumed } from './log-retention.ts';
import type { ServerSettings } from './settings.ts';
import { StartProblem } from './start-problem.ts';
import { controlPathOf } from './start/server.ts';

const HOUSEKEEPING_MS = 60_000;

async function start(settings: ServerSettings): Promise<RunningRole> {
  const folders = dataFolders(settings.dataPath);
  const logger = pino({ level: settings.logLevel, base: { role: 'collector' } });
  const metrics = createMetrics({ role: 'collector', withProcess: true });
  const log = await LmdbLogWriter.open(folders.log);
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
    rateLimits: settings.rateLimits,
    trustProxy: settings.trustProxy,
  });
  let dropping: Promise<void> | undefined;
  const housekeeping = setInterval(() => {
    log.checkReaders();
    dropping ??= dropConsumed(log, folders.positions, Date.now())
      .then(
        () => {},
        (err: unknown) => logger.error({ err }, 'old records could not be dropped from the log'),
      )
      .finally(() => (dropping = undefined));
  }, HOUSEKEEPING_MS);
  const address = await listen(collector.server, settings);
  return {
    address,
    async stop() {
      clearInterval(housekeeping);
      await collector.close();
      await dropping;
      await log.close();
      await keys.close();
    },
  };
}

function listen(server: import('node:http').Server, { host, port }: ServerSettings): Promise<string> {
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
    server.listen({ host, port, backlog: 1024 }, () => {
      const bound = server.address() as import('node:net').AddressInfo;
      const name = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address;
      resolve(`http://${name}:${bound.port}`);
    });
  });
}

runChild('collector', start);
