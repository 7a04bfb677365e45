/** The API of the engine: composes the routes, and what all of them share. It listens where its caller says. */
import { fastify, LogController } from 'fastify';
import type { FastifyInstance } from 'fastify';
import { guardAccess } from './access.ts';
import type { ApiDeps } from './deps.ts';
import { createDiskGauge } from './disk.ts';
import { answerFailure, answerFailures } from './failures.ts';
import { parseJsonBodies } from './json-body.ts';
import { recordOpenApi } from './openapi.ts';
import { adminRoutes } from './admin/index.ts';
import { jobRoutes } from './jobs/routes.ts';
import { rebuildRoutes } from './rebuild/routes.ts';
import { identityRoutes } from './identities/routes.ts';
import { analyticsRoutes } from './routes/analytics.ts';
import { backupRoutes } from './routes/backups.ts';
import { checkRoutes } from './routes/check.ts';
import { exportRoutes } from './routes/export.ts';
import { healthRoutes } from './routes/health.ts';
import { liveRoutes } from './routes/live.ts';
import { metricsRoutes } from './routes/metrics.ts';
import { openApiRoutes } from './routes/openapi.ts';
import { pageRoutes } from './routes/page.ts';
import { pipelineRoutes } from './routes/pipeline.ts';
import { quarantineRoutes } from './quarantine/routes.ts';
import { replayRoutes } from './quarantine/replay.ts';
import { savedQuestionRoutes } from './routes/saved-questions.ts';
import { sqlRoutes } from './routes/sql.ts';
import { timelineRoutes } from './routes/timeline.ts';
import { traceRoutes } from './routes/trace.ts';
import { setSchemaCompilers } from './validation.ts';
import { valveRoutes } from './valves/routes.ts';

declare module 'fastify' {
  interface FastifySchema {
    operationId?: string;
    summary?: string;
    description?: string;
    tags?: readonly string[];
  }
}

/** A question takes a few KB; a list of ids to look for may take more. */
const MAX_BODY_BYTES = 1 << 20;
/** Ids have up to 256 characters, each up to 12 when percent-encoded. */
const MAX_PARAM_CHARS = 4096;
const CLOSE_IDLE_MS = 20;

/** Makes the API. `listen({ path })` starts it on a socket; `close()` ends live streams and waits for the rest. */
export function createApi(deps: ApiDeps): FastifyInstance {
  const app = fastify({
    bodyLimit: MAX_BODY_BYTES,
    // One line a request is the collector's to write; a URL may carry a token and is never logged.
    logController: new LogController({ disableRequestLogging: true }),
    frameworkErrors: (error, request, reply) => void answerFailure(error, request, reply),
    routerOptions: { maxParamLength: MAX_PARAM_CHARS },
    // On close, connections that wait for nothing must not hold the engine back.
    forceCloseConnections: 'idle',
    // What still comes over a connection that stays is answered, as the last thing on it.
    return503OnClosing: false,
    ...(deps.logger === undefined ? { logger: false } : { loggerInstance: deps.logger }),
  }) as FastifyInstance;
  app.addHook('preClose', async () => {
    // Node looks for idle connections once, and one whose answer comes later would stay for its keep-alive time, 72 s.
    const looking = setInterval(() => app.server.closeIdleConnections(), CLOSE_IDLE_MS);
    app.server.once('close', () => clearInterval(looking));
  });
  const diskUsage = createDiskGauge(deps.folders, deps.clock);

  const openApi = recordOpenApi(app, deps.version);

  setSchemaCompilers(app);
  parseJsonBodies(app);
  // It does not mend itself: until the next start, which looks at the stores, /readyz names them.
  let damage: Error | undefined;
  answerFailures(app, (error) => {
    damage ??= error;
    deps.onStoreDamage?.();
  });
  guardAccess(app, deps.control);

  pageRoutes(app);
  analyticsRoutes(app, deps);
  sqlRoutes(app, deps);
  savedQuestionRoutes(app, deps);
  timelineRoutes(app, deps);
  identityRoutes(app, deps);
  exportRoutes(app, deps);
  liveRoutes(app, deps);
  checkRoutes(app, deps);
  traceRoutes(app, deps);
  quarantineRoutes(app, deps);
  replayRoutes(app, deps);
  pipelineRoutes(app, deps, diskUsage);
  healthRoutes(app, deps, () => damage);
  backupRoutes(app, deps);
  rebuildRoutes(app, deps);
  jobRoutes(app, deps);
  metricsRoutes(app, deps, diskUsage);
  openApiRoutes(app, openApi);
  adminRoutes(app, deps);
  valveRoutes(app, deps);
  return app;
}
