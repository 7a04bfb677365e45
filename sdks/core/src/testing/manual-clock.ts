import type { Clock } from '../ports.ts';

/** Time that passes when it is told to; `jump` sets the device's clock and leaves timers alone, as on a real device. */
export interface ManualClock extends Clock {
  /** Lets `ms` pass and every timer that falls into them ring, in order, with what each starts coming to rest in between. */
  advance(ms: number): Promise<void>;
  jump(byMs: number): void;
}

export function createManualClock(startMs: number): ManualClock {
  let passedMs = 0;
  let offsetMs = startMs;
  let timers: { atMs: number; call: () => void }[] = [];
  return {
    now: () => offsetMs + passedMs,
    after(ms, call) {
      const timer = { atMs: passedMs + ms, call };
      timers.push(timer);
      return () => {
        timers = timers.filter((each) => each !== timer);
      };
    },
    async advance(ms) {
      const endMs = passedMs + ms;
      await settle();
      for (;;) {
        const next = timers.filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
        if (!next) break;
        timers = timers.filter((each) => each !== next);
        passedMs = Math.max(passedMs, next.atMs);
        next.call();
        await settle();
      }
      passedMs = endMs;
    },
    jump(byMs) {
      offsetMs += byMs;
    },
  };
}

/** Until no promise is left to run. */
export const settle = (): Promise<void> => new Promise((end) => setImmediate(end));
