import { countBytes } from './json-text.ts';
import type { Answer, Clock, DropReason, QueuedEvent, Random, Transport } from './ports.ts';
import type { Queue } from './queue.ts';
import { judge } from './verdict.ts';

export interface SenderOptions {
  maxBatchEvents: number;
  maxBatchBytes: number;
  flushAt: number;
  flushIntervalMs: number;
  /** Of one request. */
  timeoutMs: number;
  minDelayMs: number;
  maxDelayMs: number;
}

export interface SenderPorts {
  clock: Clock;
  random: Random;
  transport: Transport;
  queue: Queue;
  /** Ends when the queue holds what an earlier life left. */
  ready: Promise<void>;
  /** Runs while no other sender of the same device does (several tabs); absent: there is no other. */
  exclusive?: ((run: () => Promise<void>) => Promise<void>) | undefined;
  /** The body of a batch, as it goes over the wire now. */
  writeBatch(events: readonly QueuedEvent[]): string;
  onDropped(events: readonly QueuedEvent[], reason: DropReason): void;
  debug(sentence: string): void;
}

/** The states and their transitions are a table in SPEC.md. */
type SenderState = 'idle' | 'lingering' | 'sending' | 'waiting' | 'offline' | 'closed';

export interface Sender {
  /** Something was queued. */
  captured(): void;
  /** Sends all that is queued now; true if it is delivered or dropped, false if some of it has to wait (S6). */
  flush(): Promise<boolean>;
  setOnline(online: boolean): void;
  /** The last moment of a page: hands over at most `maxBytes` (S8). */
  handOver(maxBytes: number): void;
  close(): void;
}

export function createSender(options: SenderOptions, ports: SenderPorts): Sender {
  const { clock, random, transport, queue, debug } = ports;
  let state: SenderState = 'idle';
  let online = true;
  let cancelTimer: (() => void) | undefined;
  let running: Promise<void> | undefined;
  /** Retries in a row (S4). */
  let retries = 0;
  /** Until then the server has asked to be left alone; by the clock, so a jump of it is bounded by `maxPause`. */
  let pausedUntilMs = 0;
  /** Who waits for a flush, and for which event. */
  let flushes: { last: string; end: (done: boolean) => void }[] = [];
  /** What a page's last words took (S8): not again in the same life's next last words. */
  const handedOver = new WeakSet<QueuedEvent>();
  /** S5: one of so many events at the front was refused. */
  let suspects = 0;

  const setTimer = (ms: number, call: () => void): void => {
    cancelTimer?.();
    cancelTimer = clock.after(ms, call);
  };
  const enter = (next: SenderState): void => {
    if (state !== 'closed') state = next;
  };
  const pauseMs = (): number => Math.max(0, Math.min(pausedUntilMs - clock.now(), MAX_PAUSE_MS));

  /** Sends batch after batch until nothing is left or something has to wait. */
  function run(): void {
    cancelTimer?.();
    enter('sending');
    const sendAll = async (): Promise<void> => {
      while (state === 'sending' && online && queue.length > 0 && (await sendOne()));
    };
    // Ready before its turn: a tab whose storage hangs must not hold up the others.
    running = ports.ready
      .then(() => ports.exclusive?.(sendAll) ?? sendAll())
      .catch((error: unknown) => wait(options.maxDelayMs, `failed: ${error}`))
      .then(() => {
        running = undefined;
        // The network may have come back between the last answer and here.
        if (state === 'sending' || (state === 'offline' && online)) rest();
        // Otherwise something has to wait: flushes that came too late for this run began another.
        if (!running) endFlushes(false);
      });
  }

  /** After a run: nothing left, offline, or events that came in its last moment. */
  function rest(): void {
    enter(online ? 'idle' : 'offline');
    if (queue.length === 0 || !online) return;
    if (flushes.length > 0) run();
    else sender.captured();
  }

  async function sendOne(): Promise<boolean> {
    const { maxBatchEvents, maxBatchBytes } = options;
    const batch = queue.take(suspects > 0 ? Math.ceil(suspects / 2) : maxBatchEvents, maxBatchBytes);
    let answer: Answer | undefined;
    try {
      answer = await transport.send(ports.writeBatch(batch), options.timeoutMs);
    } catch (error) {
      debug(`no answer: ${error}`);
    }
    const verdict = judge(answer, clock.now());
    if (verdict.kind === 'delivered') {
      retries = 0;
      decided(batch);
      if (verdict.refused > 0) debug(`refused: ${answer!.body}`);
      return true;
    }
    queue.putBack();
    if (verdict.kind !== 'split') {
      wait(verdict.kind === 'misconfigured' ? options.maxDelayMs : nextDelayMs(), verdict.why, verdict.retryAfterMs);
      return false;
    }
    if (batch.length === 1) {
      debug(`refused (${verdict.why}): ${batch[0]!.text}`);
      decided(batch);
      ports.onDropped(batch, 'rejected');
    } else suspects = batch.length;
    return true;
  }

  function decided(batch: readonly QueuedEvent[]): void {
    queue.remove(batch);
    suspects = Math.max(0, suspects - batch.length);
    endFlushes(true);
  }

  /** Ends the flushes whose events are gone, or else all that are left. */
  function endFlushes(onlyGone: boolean): void {
    flushes = flushes.filter(({ last, end }) => {
      const gone = !queue.has(last);
      if (gone || !onlyGone) end(gone);
      return !gone && onlyGone;
    });
  }

  function nextDelayMs(): number {
    return random.fraction() * Math.min(options.maxDelayMs, options.minDelayMs * 2 ** Math.min(retries++, 30));
  }

  function wait(delayMs: number, why: string, retryAfterMs = 0): void {
    if (retryAfterMs > 0) pausedUntilMs = clock.now() + retryAfterMs;
    if (!online) return enter('offline');
    if (state === 'closed') return;
    const ms = retryAfterMs + delayMs;
    debug(`${why}: ${queue.length} events wait for ${Math.round(ms)} ms`);
    enter('waiting');
    setTimer(ms, run);
  }

  const sender: Sender = {
    captured() {
      const due = queue.length >= options.flushAt || queue.bytes >= options.maxBatchBytes;
      if (state !== 'idle' && (state !== 'lingering' || !due)) return;
      // In a task of its own: the host's has its own work, and maybe a thousand calls.
      enter(due ? 'sending' : 'lingering');
      setTimer(due ? 0 : options.flushIntervalMs, run);
    },
    flush() {
      const last = queue.last();
      if (!last) return Promise.resolve(true);
      if (!online || pauseMs() > 0 || state === 'closed') return Promise.resolve(false);
      return new Promise((end) => {
        flushes.push({ last, end });
        if (!running) run();
      });
    },
    setOnline(value) {
      if (online === value) return;
      online = value;
      if (running || state === 'closed') return;
      if (!online) {
        cancelTimer?.();
        enter('offline');
      } else if (queue.length === 0) enter('idle');
      else if (pauseMs() === 0) run();
      else wait(0, 'paused', pauseMs());
    },
    handOver(maxBytes) {
      if (!transport.handOver || state === 'closed') return;
      let left = maxBytes;
      // What is on its way may arrive or not: it goes again, and the server knows it by its ids.
      for (const piece of queue.pieces(options.maxBatchEvents, Math.min(options.maxBatchBytes, maxBytes))) {
        const events = piece.filter((event) => !handedOver.has(event));
        if (events.length === 0) continue;
        const body = ports.writeBatch(events);
        if ((left -= countBytes(body)) < 0 || !transport.handOver(body)) break;
        for (const event of events) handedOver.add(event);
      }
    },
    close() {
      cancelTimer?.();
      state = 'closed';
    },
  };
  return sender;
}

/** A Retry-After is an hour at most (S3); a clock set back must not make it longer. */
const MAX_PAUSE_MS = 3_600_000;
