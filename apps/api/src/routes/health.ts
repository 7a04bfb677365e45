/** Is the process alive, and do its parts answer? Both without a token: load balancers have none. */
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { ApiDeps } from '../deps.ts';
import { Problem } from '../problem.ts';

/** A part that takes longer than this to say yes is as good as away. */
const CHECK_TIMEOUT_MS = 5_000;

export function healthRoutes(app: FastifyInstance, deps: ApiDeps): void {
  app.route({
    method: 'GET',
    url: '/livez',
    config: { access: 'open' },
    schema: {
      operationId: 'getLiveness',
      summary: 'Does the process answer?',
      tags: ['operations'],
      response: { 200: Type.Object({ status: Type.Literal('alive') }) },
    },
    handler: () => ({ status: 'alive' }),
  });

  const checks: Record<string, () => unknown> = {
    warehouse: () => deps.warehouse.query('SELECT 1', { timeoutMs: CHECK_TIMEOUT_MS }),
    processor: () => deps.processor.status(),
    log: () => deps.log.endOffset('events', 0),
    control: () => deps.control.projects.list(),
  };
  app.route({
    method: 'GET',
    url: '/readyz',
    config: { access: 'open' },
    schema: {
      operationId: 'getReadiness',
      summary: '200 when every part answers, else 503 naming those that do not',
      tags: ['operations'],
      response: { 200: Type.Object({ status: Type.Literal('ready'), parts: Type.Record(Type.String(), Type.Literal('ok')) }) },
    },
    async handler(request) {
      const names = Object.keys(checks);
      const answers = await Promise.allSettled(names.map((name) => answered(checks[name] as () => unknown)));
      const away = names.filter((_, at) => answers[at]?.status === 'rejected');
      if (away.length === 0) return { status: 'ready', parts: Object.fromEntries(names.map((name) => [name, 'ok'])) };
      for (const answer of answers) {
        if (answer.status === 'rejected') request.log.warn({ err: answer.reason as unknown }, 'a part is not ready');
      }
      throw new Problem('not_ready', `Not ready: ${away.join(', ')}. The log of the engine says why.`, {
        members: { part: away[0], parts: away },
        headers: { 'retry-after': '1' },
      });
    },
  });
}

async function answered(check: () => unknown): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${CHECK_TIMEOUT_MS} ms`)), CHECK_TIMEOUT_MS);
  });
  try {
    await Promise.race([(async () => check())(), late]);
  } finally {
    clearTimeout(timer);
  }
}
