import type { AskContext } from './ask-context.ts';
import { readTime, zoneOf } from '../time/range.ts';

const WAIT_MS = 10_000;

/** Waits until everything received up to a time (epoch ms, which it answers) is in, 10 s at most; the answer's `asOf` tells how far it came. */
export async function waitFor(value: string | number, { clock, freshness }: Pick<AskContext, 'clock' | 'freshness'>): Promise<number> {
  const untilMs = typeof value === 'number' ? value : readTime(value, 'waitFor', zoneOf('UTC'), clock());
  const deadlineMs = clock() + WAIT_MS;
  while (freshness.status().asOfMs < untilMs && clock() < deadlineMs) {
    await freshness.caughtUp(deadlineMs - clock());
    if (freshness.status().asOfMs >= untilMs) break;
    // Caught up, but the time asked for lies ahead of the log's clock.
    await new Promise((resume) => setTimeout(resume, 5));
  }
  return untilMs;
}
