/** Answers that were computed before, or are being computed, where these are as good as new ones (rules V5, V6). */
import { createHash } from 'node:crypto';
import type { AskContext } from '../asking/ask-context.ts';
import type { Kind } from '../kind.ts';
import { timeRange, type TimeRange } from '../time/range.ts';
import type { Meta } from '../question/schema.ts';
import type { Computing, KeptAnswer, Lookup } from './answer-cache.ts';
import type { Caching } from './caching.ts';
import { isSame, readStored, type Span } from './stored.ts';

/** An answer with `meta`. */
type Answer = object & { meta: Meta };

const MAX_AGE_MS = 10_000;

/**
 * `question` has its kind's shape, and has waited for what it says to wait for, `sinceMs`. `compute` answers it without looking here.
 * Throws what that throws, and QuestionError for its range.
 */
export async function askCached(kind: Kind, question: Record<string, never>, sinceMs: number, context: AskContext, caching: Caching, compute: () => Promise<Answer>): Promise<Answer> {
  const { answers } = caching;
  const { cache = true as boolean, waitFor: _, ...asked } = question;
  const nowMs = context.clock();
  const range = timeRange(asked, nowMs);
  // What people change shows at once: it is another question from then on.
  const parts = [context.project, await caching.decisions(context.project), kind.name, asked];
  const key = createHash('sha256').update(JSON.stringify(parts)).digest('base64');
  const found = (lookup: Lookup): void => answers.observe(lookup);
  const span = spanOf(kind, question, range);

  if (cache) {
    const kept = answers.get(key);
    if (kept !== undefined && kept.asOfMs >= sinceMs) {
      const answer = JSON.parse(kept.json.toString()) as Answer;
      const isGood = isYoung(kept, range, nowMs) || (isRange(kept.range, range) && kept.stored !== undefined && isSame(kept.stored, await readStored(span, context, caching.changes()), answer.meta.sql));
      if (isGood) {
        found('hit');
        return asCached(answer);
      }
    }
    const computing = answers.computing(key);
    if (computing !== undefined && computing.asOfMs >= sinceMs && isYoung(computing, range, nowMs)) {
      found('shared');
      return asCached((await computing.answer) as Answer);
    }
  }
  found('miss');
  const answer = answerAndRead();
  const computing: Computing = { computedMs: nowMs, asOfMs: context.freshness.status().asOfMs, range, answer: answer.then((each) => each.answer) };
  // Nobody may be waiting for it but who computes it, who is told below.
  computing.answer.catch(() => {});
  answers.begin(key, computing);
  let kept: KeptAnswer | undefined;
  try {
    const { answer: computed, stored } = await answer;
    const { asOf, elapsedMs } = computed.meta;
    if (elapsedMs >= answers.minElapsedMs) kept = { json: Buffer.from(JSON.stringify(computed)), computedMs: nowMs, asOfMs: Date.parse(asOf), range, stored };
    return computed;
  } finally {
    answers.end(key, computing, kept);
  }

  /** The versions first: what changes while it is computed is then a change since. */
  async function answerAndRead(): Promise<{ answer: Answer; stored: KeptAnswer['stored'] }> {
    const stored = await readStored(span, context, caching.changes());
    return { answer: await compute(), stored };
  }
}

/** What an answer hangs on in event time; undefined where it may be everything, now itself among it. */
function spanOf(kind: Kind, question: Record<string, never>, range: TimeRange): Span | undefined {
  // A session may begin before the range and end after it; a saved cohort has a range of its own, and a now.
  if (/session|cohort/i.test(JSON.stringify(question))) return undefined;
  return kind.reads?.(question as never, range);
}

/** At most so old, and of a range that only moved with the clock since, if at all. */
function isYoung({ computedMs, range: then }: Pick<KeptAnswer, 'computedMs' | 'range'>, now: TimeRange, nowMs: number): boolean {
  const ageMs = nowMs - computedMs;
  const isNear = (thenMs: number, atMs: number): boolean => atMs === thenMs || atMs === thenMs + ageMs;
  return ageMs >= 0 && ageMs <= MAX_AGE_MS && isNear(then.fromMs, now.fromMs) && isNear(then.toMs, now.toMs);
}

function isRange(one: TimeRange, other: TimeRange): boolean {
  return one.fromMs === other.fromMs && one.toMs === other.toMs;
}

function asCached(answer: Answer): Answer {
  return { ...answer, meta: { ...answer.meta, cached: true } };
}
