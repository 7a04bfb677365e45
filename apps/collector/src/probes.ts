/** What an operator's tools ask: is it alive, is it ready, how is it doing. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { mergeExpositions } from '@tidemark/metrics';
import type { Metrics } from '@tidemark/metrics';
import { answer, answerProblem } from './answer.ts';
import type { Appender } from './append.ts';
import type { Engine } from './engine.ts';

/** A probe must answer sooner than the usual 5-10 s timeouts of those who ask. */
const ENGINE_PROBE_MS = 2_000;

/** The process answers; nothing else is asked. */
export function answerLivez(res: ServerResponse): void {
  answer(res, { status: 200, body: { status: 'live' } });
}

/** 200 when intake and questions both answer, else 503 naming the part. */
export async function answerReadyz(
  req: IncomingMessage,
  res: ServerResponse,
  appender: Appender,
  engine: Engine,
): Promise<void> {
  const reason = appender.unready;
  if (reason !== undefined) {
    answerProblem(req, res, {
      code: 'not_ready',
      detail: `The log is not ready: ${reason}.`,
      retryAfterSeconds: 2,
      extra: { part: 'log' },
    });
    return;
  }
  const told = await engine.get('/readyz', ENGINE_PROBE_MS);
  if (told === undefined) {
    const detail = 'The engine does not answer; events are taken, questions wait.';
    answerProblem(req, res, { code: 'not_ready', detail, retryAfterSeconds: 2, extra: { part: 'engine' } });
    return;
  }
  // The engine knows its own parts, and names the one that is not ready.
  res.writeHead(told.status, { 'content-type': told.contentType, 'content-length': told.body.length });
  res.end(told.body);
}

/** This process's metrics and the engine's, as one page; the engine's are missing while it is away. */
export async function answerMetrics(res: ServerResponse, metrics: Metrics, engine: Engine): Promise<void> {
  const [own, engines] = await Promise.all([metrics.text(), engine.get('/metrics', ENGINE_PROBE_MS)]);
  const texts = engines?.status === 200 ? [own, engines.body.toString()] : [own];
  res.writeHead(200, { 'content-type': metrics.contentType });
  res.end(mergeExpositions(texts));
}
