/** Turns whatever a route throws into a problem document, and logs what is our fault. */
import { QuestionError } from '@tidemark/analytics';
import { ControlError } from '@tidemark/control';
import { AdhocBusy, isEngineFull, storeDamage, WarehouseError, type StoreDamage } from '@tidemark/warehouse';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { recordMethods } from './allowed-methods.ts';
import { Problem, shownFault } from './problem.ts';
import type { ProblemCode } from './problem.ts';

/** Fastify's own refusals, in our words. */
const FASTIFY_CODES: Record<string, [ProblemCode, string]> = {
  FST_ERR_CTP_INVALID_JSON_BODY: ['invalid_json', 'The body must be one JSON value, as RFC 8259 has it.'],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['invalid_json', 'The body is empty: send a JSON value.'],
  FST_ERR_CTP_BODY_TOO_LARGE: ['body_too_large', 'Send a smaller body: at most 1 MiB, or 16 MiB to save a question.'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['invalid_request', 'Content-Length and the body do not agree.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported_media_type', 'Send the body as application/json.'],
  FST_ERR_MAX_PARAM_LENGTH: ['uri_too_long', 'Shorten the address.'],
  FST_ERR_BAD_URL: ['invalid_request', 'The path is not a legal one: percent-encode what needs it.'],
  FST_ERR_INVALID_URL: ['invalid_request', 'The path is not a legal one: percent-encode what needs it.'],
};

/** ClickHouse's numbers for a query that went over its bounds: too slow, timeout, memory, bytes, rows. */
const TOO_EXPENSIVE = new Set([158, 159, 160, 241, 307, 396]);

/** To be called before routes are added. `onDamage` is told when a question met a damaged store. */
export function answerFailures(app: FastifyInstance, onDamage: (error: Error) => void = () => {}): void {
  app.setErrorHandler((error, request, reply) => {
    if (storeDamage(error) !== undefined) onDamage(error as Error);
    return answerFailure(error, request, reply);
  });
  const methodsOf = recordMethods(app);
  app.setNotFoundHandler((request) => {
    const path = request.url.split('?', 1)[0] ?? '';
    const methods = methodsOf(path).join(', ');
    if (methods !== '') {
      throw new Problem('method_not_allowed', `${path} takes ${methods}, not ${request.method}.`, { headers: { allow: methods } });
    }
    throw new Problem(
      'not_found',
      `${request.method} ${path} is not a route of this server: /openapi.json lists them.`,
    );
  });
}

/** Also for addresses that match no route because they are none, which Fastify keeps from its error handler. */
export function answerFailure(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = toProblem(error);
  if (problem.status >= 500) request.log.error({ err: error, route: request.routeOptions.url }, problem.message);
  // What the route had set for its own answer (a download's name, say) must not stand on the refusal.
  reply.removeHeader('content-disposition');
  // Fastify would close after a body that it refuses, while the collector still writes: that resets the connection, and
  // the collector loses the answer (1 of 20 bodies that are no JSON). On our socket a body may well be read to its end.
  reply.removeHeader('connection');
  request.raw.resume();
  return reply
    .code(problem.status)
    .headers(problem.headers)
    .type('application/problem+json')
    .serializer(JSON.stringify)
    .send(problem.toDocument());
}

function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof AdhocBusy) return new Problem('too_many_queries', error.message, { cause: error, headers: { 'retry-after': '2' } });
  if (error instanceof WarehouseError) return ofWarehouse(error);
  if (error instanceof QuestionError) {
    const [first, ...rest] = error.problems;
    const more = rest.length === 0 ? '' : ` (and ${rest.length} more)`;
    return new Problem(first.code, `${first.detail}${more}`, { faults: error.problems.map(shownFault), cause: error });
  }
  if (error instanceof ControlError) {
    const faults = error.field === undefined ? [] : [{ field: error.field, code: error.code, detail: error.message }];
    const headers = error.code === 'control_unavailable' ? { 'retry-after': '1' } : {};
    return new Problem(error.code, error.message, { faults, cause: error, headers });
  }
  const known = FASTIFY_CODES[(error as { code?: string }).code ?? ''];
  if (known !== undefined) return new Problem(known[0], known[1], { cause: error });
  const status = (error as { statusCode?: number }).statusCode ?? 500;
  if (status >= 400 && status < 500) return new Problem('invalid_request', (error as Error).message, { cause: error });
  return new Problem('internal_error', 'Try again; if it stays, look into the log of the engine.', { cause: error });
}

function ofWarehouse(error: WarehouseError): Problem {
  const damage = storeDamage(error);
  if (damage !== undefined) return new Problem('store_damaged', damageWords(damage), { cause: error });
  // That is nobody's question: the engine was full for a moment.
  if (TOO_EXPENSIVE.has(error.number) && !isEngineFull(error)) {
    const detail = 'Ask over a shorter time, or about fewer events.';
    return new Problem('question_too_expensive', detail, { cause: error });
  }
  return new Problem('warehouse_unavailable', 'Try again in a moment; if it stays, look into the log of the engine.', {
    cause: error,
    headers: { 'retry-after': '1' },
  });
}

/** Names the part of the table as far as the error did; never a path. */
function damageWords({ part, table }: StoreDamage): string {
  const where = part === undefined ? 'A part of a table' : `The part ${part}${table === undefined ? '' : ` of the table ${table}`}`;
  return `${where} is damaged, and no answer is given from it: see "Damage" in docs/operating.md. The engine's log says more.`;
}
