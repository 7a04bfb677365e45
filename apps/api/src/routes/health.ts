/** Is the process alive, and do its parts answer? Both without a token: load balancers have none. */
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { ApiDeps } from '../deps.ts';
import { Problem } from '../problem.ts';

/** Shorter than the 2 s that the collector gives us, so that the answer can still name the part. */
const CHECK_TIMEOUT_MS = 1_500;
/** A part that answered within this and is slow now is busy, not away: taking us out of service would help nobody. */
const BUSY_MS = 30_000;

/** `damage`: what a question met of a damaged store since the start, if any did. */
export function healthRoutes(app: FastifyInstance, deps: ApiDeps, damage: () => Error | undefined = () => undefined): void {
  app.route({
    method: 'GET',
    url: '/livez',
    config: { access: 'open' },
    schema: {
      operationId: 'getLiveness',
      summary: 'Does the process answer?',
      tags: ['operations'],
      response: { 200: Type.Object({ status: Type.Literal('live') }) },
    },
    handler: () => ({ status: 'live' }),
  });

  const checks: Record<string, Check> = {
    warehouse: createCheck(async () => {
      const met = damage();
      if (met !== undefined) throw met;
      await checkRoom(deps, 'warehouse');
      await deps.warehouse.query('SELECT 1');
    }, deps.clock),
    lake: createCheck(() => checkRoom(deps, 'lake'), deps.clock),
    processor: createCheck(() => deps.processor.status(), deps.clock),
    log: createCheck(() => deps.log.endOffset('events', 0), deps.clock),
    control: createCheck(() => deps.control.projects.list(), deps.clock),
  };
  app.route({
    method: 'GET',
    url: '/readyz',
    config: { access: 'open' },
    schema: {
      operationId: 'getReadiness',
      summary: '200 when every part answers, else 503 naming those that do not',
      tags: ['operations'],
      response: {
        200: Type.Object({ status: Type.Literal('ready'), parts: Type.Record(Type.String(), Type.Literal('ok')) }),
      },
    },
    async handler(request) {
      const names = Object.keys(checks);
      const answers = await Promise.allSettled(Object.values(checks).map((check) => check()));
      const unwell = names.flatMap((part, at) => {
        const answer = answers[at];
        return answer?.status === 'rejected' ? [{ part, reason: reasonOf(answer.reason) }] : [];
      });
      for (const { part, sinceMs } of deps.failing?.() ?? []) {
        unwell.push({ part, reason: `writing to it has failed for ${Math.round((deps.clock() - sinceMs) / 1_000)} s` });
      }
      const away = [...new Set(unwell.map(({ part }) => part))];
      if (away.length === 0) return { status: 'ready', parts: Object.fromEntries(names.map((name) => [name, 'ok'])) };
      for (const answer of answers) {
        if (answer.status === 'rejected') request.log.warn({ err: answer.reason as unknown }, 'a part is not ready');
      }
      throw new Problem('not_ready', `Not ready: ${unwell.map(({ part, reason }) => `${part} (${reason})`).join(', ')}. The log of the engine says more.`, {
        members: { part: away[0], parts: away },
        headers: { 'retry-after': '1' },
      });
    },
  });
}

/** Its words may be told to everybody. */
class Shortage extends Error {}

async function checkRoom({ room, folders }: ApiDeps, store: string): Promise<void> {
  const folder = folders[store];
  if (room === undefined || folder === undefined) return;
  const freeBytes = await room.freeBytes(folder);
  if (freeBytes < room.reserveBytes) throw new Shortage(`only ${Math.floor(freeBytes / 1024 ** 2)} MB are free on its disk`);
}

function reasonOf(error: unknown): string {
  return error instanceof Shortage ? error.message : 'it does not answer';
}

/** Resolves when the part is well, rejects with the reason when it is not. */
type Check = () => Promise<void>;

/** Asks a part whether it answers. However often we are asked, it is asked once at a time. */
function createCheck(ask: () => unknown, clock: () => number): Check {
  let asking: Promise<unknown> | undefined;
  let answeredAtMs = Number.NEGATIVE_INFINITY;

  return async () => {
    asking ??= (async () => ask())()
      .then(() => (answeredAtMs = clock()))
      .finally(() => (asking = undefined));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve, reject) => {
      timer = setTimeout(() => {
        if (clock() - answeredAtMs < BUSY_MS) resolve();
        else reject(new Error(`no answer within ${CHECK_TIMEOUT_MS} ms`));
      }, CHECK_TIMEOUT_MS);
    });
    try {
      await Promise.race([asking, late]);
    } finally {
      clearTimeout(timer);
    }
  };
}
