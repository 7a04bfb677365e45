/**
 * The way of an ingest request, and where each failure leaves it:
 *
 *   head     415 encoding · 413 declared size · 503 log busy, disk full · 401 unknown key · 429 rate
 *    └ body     413 size · 503 no memory for it · (sender went away: no answer)
 *       └ content   413 size, complexity · 400 not JSON, quarantined
 *          └ key        401 · 429, when it is in the body
 *             └ shape      400 no batch, quarantined · 413 too many events
 *                └ admit and append   in one tick: receivedAt is one for all of it
 *                   └ durable         202 · 400 · 413, or 503 when the log failed
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { CLOCK, LIMITS } from '@tidemark/event';
import type { KeyDirectory, WriteKeyGrant } from '@tidemark/control';
import type { Admission, RequestFacts } from '@tidemark/pipeline';
import { answer, answerProblem } from './answer.ts';
import { batchAnswer, singleAnswer, unparsableAnswer } from './answers.ts';
import type { Answer } from './answer.ts';
import type { Appender } from './append.ts';
import { readBody } from './body.ts';
import type { BodyBudget } from './body.ts';
import { clientAddress } from './client-address.ts';
import { readContent } from './content.ts';
import { corsHeaders } from './cors.ts';
import type { Dialect, ForeignRequest, NotNow } from './dialects/dialect.ts';
import { readForeignContent } from './dialects/foreign-content.ts';
import { HeldRequests } from './held-requests.ts';
import { isKnownEncoding } from './inflate.ts';
import type { IngestMetrics } from './ingest-metrics.ts';
import { quarantineFrames, receiptOf } from './intake.ts';
import type { Intake } from './intake.ts';
import type { Refusal } from './problem.ts';
import { quarantineItem } from './quarantine.ts';
import type { KeyRates } from './rate-limit.ts';
import { batchOf } from './request-batch.ts';
import { Turns } from './turns.ts';
import { keyOfBody, keyOfHead, plainKey } from './write-key.ts';

export interface IngestDeps {
  appender: Appender;
  keys: KeyDirectory;
  intake: Intake;
  /** Undefined when rate limits are off. */
  rates: KeyRates | undefined;
  budget: BodyBudget;
  metrics: IngestMetrics;
  /** The machine's clock, epoch ms; the log's stamps may be ahead of it. */
  nowMs: () => number;
  trustedProxies: number;
}

interface IngestRoute {
  shape: 'single' | 'batch';
  /** What follows the `?`, or nothing. */
  query: string;
  /** Another vendor's way of saying it: a batch, whatever its shape there. */
  foreign?: { dialect: Dialect; request: ForeignRequest };
}

type End =
  | { kind: 'answered'; answer: Answer }
  /** Nothing was stored; `bytes` were received, or declared. */
  | { kind: 'refused'; refusal: Refusal; bytes: number }
  | { kind: 'aborted'; bytes: number };

interface Authorised {
  key: string;
  grant: WriteKeyGrant;
}

const LOG_BUSY: Refusal = { code: 'log_busy', retryAfterSeconds: 1 };
const DISK_FULL: Refusal = { code: 'disk_full', retryAfterSeconds: 5 };
const LOG_FAILED: Refusal = { code: 'log_unavailable', retryAfterSeconds: 1 };
const NO_KEY: Refusal = { code: 'unknown_write_key', detail: 'The request carries no write key.' };

export type Ingest = (req: IncomingMessage, res: ServerResponse, route: IngestRoute) => Promise<void>;

export function createIngest(deps: IngestDeps): Ingest {
  const { appender, keys, intake, rates, budget, metrics } = deps;
  const turns = new Turns();
  const heldRequests = new HeldRequests();

  async function handle(
    req: IncomingMessage,
    res: ServerResponse,
    { shape, query, foreign }: IngestRoute,
  ): Promise<End> {
    const declaredBytes = Number(req.headers['content-length'] ?? 0);
    if (!isKnownEncoding(req.headers['content-encoding']))
      return refused({ code: 'unsupported_encoding' }, declaredBytes);
    if (declaredBytes > LIMITS.maxBodyBytes) return refused({ code: 'body_too_large' }, declaredBytes);
    const headKey = keyOfHead(req, query) ?? plainKey(foreign?.dialect.keyOfHead?.(foreign.request) ?? '');
    let by = judgeHead(headKey);
    const notNow = foreign?.dialect.notNow?.(foreign.request);
    if (by !== undefined && 'code' in by && notNow?.kind === 'hold' && isNotNow(by)) {
      const held = await heldRequests.hold(req, notNow.ms, () => (by = judgeHead(headKey)) === undefined || !('code' in by));
      if (held === 'aborted') return { kind: 'aborted', bytes: 0 };
    }
    if (by !== undefined && 'code' in by) return refused(by, declaredBytes);

    // A client of HTTP/1.0 would take it for the answer (RFC 9110, section 10.1.1).
    if (req.headers.expect !== undefined && req.httpVersion !== '1.0') res.writeContinue();
    const body = await readBody(req, LIMITS.maxBodyBytes, budget);
    if (body.kind === 'aborted') return { kind: 'aborted', bytes: body.receivedBytes };
    if (body.kind === 'too_large') return refused({ code: 'body_too_large' }, body.receivedBytes);
    if (body.kind === 'no_room') return refused(LOG_BUSY, body.receivedBytes);
    const wireBytes = body.bytes.length;
    metrics.read(wireBytes);
    await turns.take(wireBytes);
    if (appender.busy) {
      budget.give(wireBytes);
      return refused(LOG_BUSY, wireBytes);
    }
    // All from here to the append is one tick, so no other request's body stands beside what this one unpacks.
    budget.give(wireBytes);

    const content = foreign
      ? readForeignContent(body.bytes, foreign.dialect, foreign.request, by === undefined ? (key) => keys.find(key) !== undefined : undefined)
      : readContent(body.bytes, by === undefined, shape);
    if (content.kind === 'refused') return refused(content.refusal, wireBytes);
    if (content.kind === 'unparsable') {
      // Without a key in the head there is nobody to keep it for.
      if (by === undefined)
        return refused({ ...NO_KEY, detail: `${content.detail} So no writeKey could be read from it.` }, wireBytes);
      return keepWhole(req, 'invalid_json', content.detail, content.bytes, by, wireBytes);
    }
    if (by === undefined) {
      const bodyKey = keyOfBody(content.kind === 'plain' ? content.body : content.value);
      by = bodyKey === undefined ? NO_KEY : authorise(bodyKey);
      if ('code' in by) return refused(by, wireBytes);
    }

    const batch = batchOf(content, shape);
    if (batch === undefined) {
      return keepWhole(
        req,
        'invalid_batch',
        'A batch is a JSON object with an array "events"; this body has none.',
        content.bytes,
        by,
        wireBytes,
      );
    }
    const { events } = batch;
    if (events.count > LIMITS.maxEventsPerBody) {
      return refused(
        { code: 'too_many_events', detail: `The body holds ${events.count} events; send at most 5,000.` },
        wireBytes,
      );
    }
    const facts = factsOf(req, by.grant, batch.sentAt);
    const { frames, receipts, admissions } = intake.take(events, facts);
    rates?.spend(by.key, by.grant, events.count, content.bytes.length);
    if (events.count > 0 && !(await appender.append(frames, receipts, facts.receivedAtMs)))
      return refused(LOG_FAILED, wireBytes);
    metrics.admitted(admissions);
    const made = foreign
      ? foreign.dialect.answer(admissions, facts.receivedAtMs)
      : shape === 'batch'
        ? batchAnswer(admissions, events.value, facts.receivedAtMs)
        : singleAnswer(admissions[0] as Admission, () => events.value(0), facts.receivedAtMs);
    return { kind: 'answered', answer: made };
  }

  /** Who sends, where the head says so; or why it can't be taken at all, or not now. */
  function judgeHead(key: string | undefined): Authorised | Refusal | undefined {
    if (appender.busy) return LOG_BUSY;
    if (appender.full) return DISK_FULL;
    return key === undefined ? undefined : authorise(key);
  }

  function authorise(key: string): Authorised | Refusal {
    const grant = keys.find(key);
    if (grant === undefined) return { code: 'unknown_write_key', detail: explainUnknown(key) };
    const retryAfterSeconds = rates?.retryAfterSeconds(key, grant) ?? 0;
    return retryAfterSeconds > 0 ? { code: 'rate_limited', retryAfterSeconds } : { key, grant };
  }

  function factsOf(req: IncomingMessage, grant: WriteKeyGrant, sentAt: unknown): RequestFacts {
    const imported = req.headers['x-tidemark-import'] === '1';
    const receivedAtMs = appender.stamp();
    const nowMs = deps.nowMs();
    return {
      project: grant.project,
      source: grant.source,
      settings: grant.settings,
      valves: grant.valves,
      receivedAtMs,
      clockMs: nowMs < receivedAtMs - CLOCK.ignoredSkewMs ? nowMs : undefined,
      sentAt,
      // An import comes from wherever the file lies, not from where its people were.
      ip: imported ? undefined : clientAddress(req, deps.trustedProxies),
      userAgent: req.headers['user-agent'],
      fromBrowser: req.headers.origin !== undefined || req.headers['sec-fetch-site'] !== undefined,
      imported,
    };
  }

  /** A body that holds no events we can tell apart: one quarantined item (protocol C7). */
  async function keepWhole(
    req: IncomingMessage,
    code: 'invalid_json' | 'invalid_batch',
    detail: string,
    bytes: Buffer,
    by: Authorised,
    wireBytes: number,
  ): Promise<End> {
    const origin = factsOf(req, by.grant, undefined);
    const item = quarantineItem(origin, { eventId: '', eventName: '', faults: [{ field: '', code, detail }] }, bytes, intake.kept(origin));
    rates?.spend(by.key, by.grant, 1, bytes.length);
    if (!(await appender.append([quarantineFrames([item])], [receiptOf(origin, 1)], origin.receivedAtMs)))
      return refused(LOG_FAILED, wireBytes);
    metrics.fault('quarantined', code);
    return { kind: 'answered', answer: unparsableAnswer(code, detail, origin.receivedAtMs) };
  }

  return async function ingest(req, res, route) {
    const startedAtMs = performance.now();
    const end = await handle(req, res, route);
    if (end.kind === 'aborted') return metrics.refused('aborted', end.bytes);
    if (end.kind === 'refused') metrics.refused(end.refusal.code, end.bytes);
    const only = route.foreign?.dialect.only;
    if (end.kind === 'answered' || only !== undefined) {
      const made = only ?? (end as End & { kind: 'answered' }).answer;
      answer(res, made, corsHeaders(req));
      return metrics.answered(made.status, startedAtMs);
    }
    const { refusal } = end;
    const notNow = isNotNow(refusal) ? route.foreign?.dialect.notNow?.(route.foreign.request) : undefined;
    if (notNow?.kind === 'cut') return void req.socket.destroy();
    metrics.answered(answerProblem(req, res, notNow?.kind === 'answer' ? patiently(refusal, notNow) : refusal, corsHeaders(req)), startedAtMs);
  };
}

function explainUnknown(key: string): string {
  if (key.startsWith('tm_'))
    return 'This is an API token, for questions; events need a write key, which begins with c.';
  return 'The write key is not known, or was revoked.';
}

/** Nothing is wrong with the request: the same may be taken later. */
const isNotNow = ({ retryAfterSeconds }: Refusal): boolean => retryAfterSeconds !== undefined;

function patiently(refusal: Refusal, { status, retryAfterSeconds }: NotNow & { kind: 'answer' }): Refusal {
  return { ...refusal, status, retryAfterSeconds: Math.max(retryAfterSeconds, refusal.retryAfterSeconds ?? 0) };
}

function refused(refusal: Refusal, bytes: number): End {
  return { kind: 'refused', refusal, bytes };
}
