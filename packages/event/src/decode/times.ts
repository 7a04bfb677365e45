/** From the client's clock to the event's time: pure functions of the request, so that a replay decides the same (T4, T5). */
import { FLAG } from '../event.ts';
import { CLOCK } from '../limits.ts';

export interface EventTime {
  /** Corrected event time, epoch ms. Negative when the correction leads before 1970: the caller refuses such an event. */
  timeMs: number;
  /** The client's own time, epoch ms; receivedAt when it sent none. */
  originalTimeMs: number;
  /** Of FLAG: timestampGiven, skewCorrected, futureClamped. */
  flags: number;
}

/** How far the device's clock is behind ours, in ms to the minute; 0 while it is within what we ignore. */
export function clockSkewMs(sentAtMs: number | undefined, receivedAtMs: number): number {
  if (sentAtMs === undefined) return 0;
  const offset = receivedAtMs - sentAtMs;
  if (offset >= -CLOCK.ignoredSkewMs && offset <= CLOCK.ignoredSkewMs) return 0;
  return Math.round(offset / CLOCK.skewStepMs) * CLOCK.skewStepMs;
}

/** `nowMs`: receivedAt, or the clock where that was set back behind it (T7). */
export function eventTime(
  timestampMs: number | undefined,
  sentAtMs: number | undefined,
  nowMs: number,
): EventTime {
  if (timestampMs === undefined) return { timeMs: nowMs, originalTimeMs: nowMs, flags: 0 };
  const skewMs = clockSkewMs(sentAtMs, nowMs);
  const timeMs = timestampMs + skewMs;
  const flags = FLAG.timestampGiven | (skewMs === 0 ? 0 : FLAG.skewCorrected);
  if (timeMs > nowMs + CLOCK.maxFutureMs) {
    return { timeMs: nowMs, originalTimeMs: timestampMs, flags: flags | FLAG.futureClamped };
  }
  return { timeMs, originalTimeMs: timestampMs, flags };
}
