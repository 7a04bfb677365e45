/** Sends batches to /api/events/batch until each is answered, however long the server needs. */
import { setTimeout as delay } from 'node:timers/promises';
import { CommandProblem } from '../command.ts';
import { send } from './http.ts';

export interface BatchAnswer {
  accepted: number;
  rejected: { index: number; eventId?: string; code: string; detail: string; quarantined?: boolean }[];
}

export interface BatchTarget {
  url: string;
  writeKey: string;
  signal: AbortSignal;
  /** Told when a batch must wait: for the rate limit, or for a server that is away. */
  onWait?: (reason: string, waitMs: number) => void;
  /** How long to go on without any answer but "later". */
  patienceMs?: number;
  wait?: (ms: number, signal: AbortSignal) => Promise<unknown>;
}

const PATIENCE_MS = 5 * 60_000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;

/** Sending again is safe: events have their ids. @throws CommandProblem when the server refuses, or stays away */
export async function sendBatch(events: readonly unknown[], target: BatchTarget): Promise<BatchAnswer> {
  const {
    url,
    writeKey,
    signal,
    onWait,
    patienceMs = PATIENCE_MS,
    wait = (ms, stop) => delay(ms, undefined, { signal: stop }),
  } = target;
  const body = JSON.stringify({ events });
  for (let waited = 0, attempt = 0; ; attempt++) {
    const answer = await trySend(`${url}/api/events/batch`, body, writeKey, signal);
    if ('accepted' in answer) return answer;
    if ('split' in answer) return sendHalves(events, target);
    const backoffMs = Math.min(FIRST_WAIT_MS * 2 ** attempt, LONGEST_WAIT_MS);
    const waitMs = Math.max(answer.retryAfterMs ?? 0, backoffMs);
    if (waited + waitMs > patienceMs) throw answer.problem;
    onWait?.(answer.problem.message, waitMs);
    await wait(waitMs, signal);
    waited += waitMs;
  }
}

type Attempt = BatchAnswer | { split: true } | { problem: CommandProblem; retryAfterMs: number | undefined };

async function trySend(url: string, body: string, writeKey: string, signal: AbortSignal): Promise<Attempt> {
  let response: Response;
  let text: string;
  try {
    // The mark of an import: its events are history, sent by somebody else than those who made them.
    response = await send({
      url,
      method: 'POST',
      token: writeKey,
      body,
      signal,
      headers: { 'x-tidemark-import': '1' },
    });
    text = await response.text();
  } catch (error) {
    if (signal.aborted) throw error;
    const problem =
      error instanceof CommandProblem
        ? error
        : new CommandProblem(`The connection broke: ${String(error)}.`, 'run it again.');
    return { problem, retryAfterMs: undefined };
  }
  if (response.ok) return JSON.parse(text) as BatchAnswer;
  if (response.status === 413) return { split: true };
  const problem = new CommandProblem(
    `The server answered ${response.status}: ${detailOf(text)}`,
    fixFor(response.status),
  );
  if (response.status !== 429 && response.status < 500) throw problem;
  const seconds = Number(response.headers.get('retry-after') ?? NaN);
  return { problem, retryAfterMs: Number.isFinite(seconds) ? seconds * 1000 : undefined };
}

async function sendHalves(events: readonly unknown[], target: BatchTarget): Promise<BatchAnswer> {
  if (events.length === 1) {
    const detail = 'The event is over the limit of a whole request.';
    return { accepted: 0, rejected: [{ index: 0, code: 'event_too_large', detail, quarantined: false }] };
  }
  const middle = events.length >> 1;
  const first = await sendBatch(events.slice(0, middle), target);
  const second = await sendBatch(events.slice(middle), target);
  const shifted = second.rejected.map((each) => ({ ...each, index: each.index + middle }));
  return { accepted: first.accepted + second.accepted, rejected: [...first.rejected, ...shifted] };
}

function detailOf(text: string): string {
  try {
    const { detail, title } = JSON.parse(text) as { detail?: string; title?: string };
    return detail ?? title ?? text;
  } catch {
    return text.slice(0, 200);
  }
}

function fixFor(status: number): string {
  if (status === 401) return 'give a live write key of this server with --write-key.';
  return status === 429 || status >= 500
    ? 'run the same command again when the server is well: it goes on where it was.'
    : 'see docs/protocol.md.';
}
