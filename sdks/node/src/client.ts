import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { createPipeline, createUuid, quietly, withJournal } from '@tidemark/sdk-core';
import type { CaptureOutcome, Clock, EventDraft, Properties, Random, State, Transport } from '@tidemark/sdk-core';
import { flushBeforeExit } from './exit-flush.ts';
import { createHttpTransport } from './http-transport.ts';
import type { TidemarkOptions } from './options.ts';
import { readRequestIds, requestIds } from './request-context.ts';
import type { RequestIds } from './request-context.ts';
import { createSpoolJournal } from './spool-journal.ts';

/** Of whom and when; at least one of `userId` and `anonymousId`, from here or from the request's context. */
export interface EventOptions {
  userId?: string;
  anonymousId?: string;
  sessionId?: string;
  /** RFC 3339, or milliseconds since 1970; absent: now. */
  timestamp?: string | number;
  /** The host's own id, where it has one (an order's number, say): the server keeps one of each. */
  eventId?: string;
  schemaVersion?: string;
  context?: Properties;
}

export interface TidemarkClient {
  /** Each call resolves with what became of it (`queued`, or why not); it never rejects, and waits only with `whenFull: 'block'`. */
  track(event: EventOptions & { eventName: string; properties?: Properties }): Promise<CaptureOutcome>;
  page(event: EventOptions & { name?: string; properties?: Properties }): Promise<CaptureOutcome>;
  screen(event: EventOptions & { name?: string; properties?: Properties }): Promise<CaptureOutcome>;
  identify(event: EventOptions & { userId: string; traits?: Properties }): Promise<CaptureOutcome>;
  group(event: EventOptions & { groupId: string; traits?: Properties }): Promise<CaptureOutcome>;
  alias(event: EventOptions & { userId: string; previousId: string }): Promise<CaptureOutcome>;
  /** Sends what waits now: at the end of a serverless invocation, say. False if some of it has to wait. */
  flush(): Promise<boolean>;
  /** Sends what waits, for at most `timeoutMs` (default `exitTimeoutMs`), and stops; how many events are left is told. */
  close(timeoutMs?: number): Promise<{ left: number }>;
  /** Runs `work` with these ids in every event it captures, however deep. */
  withIds<T>(ids: RequestIds, work: () => T): T;
  /** For express, connect and `fastify.addHook('onRequest', …)`: the events of a request are of whoever sent it. */
  middleware(): (request: IncomingMessage, response: unknown, next: () => void) => void;
  /** Events and bytes that wait. */
  readonly waiting: { events: number; bytes: number };
}

/** Time, randomness and network; a host has no need to give any, tests have. */
export interface NodePorts {
  clock: Clock;
  random: Random;
  transport: Transport;
}

const systemClock: Clock = {
  now: Date.now,
  after(ms, call) {
    const timer = setTimeout(call, ms).unref();
    return () => clearTimeout(timer);
  },
};
const systemRandom: Random = { bytes: (length) => randomBytes(length), fraction: Math.random };

const EXAMPLE = 'https://events.example.com';

/** Without a usable `writeKey` and `host` a client is inert: its calls are `refused`, and `debug` says why (SPEC G1). */
export function createTidemark(options: TidemarkOptions, ports: Partial<NodePorts> = {}): TidemarkClient {
  const { clock = systemClock, random = systemRandom } = ports;
  const { writeKey, host, path = '/api/events/batch', whenFull = 'drop', spoolPath, exitTimeoutMs = 5_000 } = options;
  const maxWaitingCalls = options.maxQueueEvents ?? 10_000;
  const instanceId = createUuid(clock.now(), random);
  const texts = new Map<string, string>();
  const state: State = {
    get: (key) => texts.get(key),
    set: (key, value) => void (value === undefined ? texts.delete(key) : texts.set(key, value)),
  };
  const debug = quietly(
    options.debug === true ? (sentence) => console.error(`[tidemark] ${sentence}`) : options.debug || (() => {}),
  );
  const url = readAddress(path, host);
  const usable = url !== undefined && typeof writeKey === 'string' && writeKey !== '';
  if (!usable) debug(`invalid: ${url ? 'writeKey must be a text' : `host must be an address such as ${EXAMPLE}`}`);
  const spool = spoolPath && usable ? createSpoolJournal({ folder: spoolPath, writeKey, instanceId }) : undefined;
  const transport = ports.transport ?? createHttpTransport(url ?? EXAMPLE, writeKey);
  /** Calls that wait for room, oldest first. */
  const blocked: (() => boolean)[] = [];
  /** Ends them when the client is closed before. */
  const refusals: (() => void)[] = [];
  /** Or never opened. */
  let closed = !usable;
  const pipeline = createPipeline(
    {
      flushAt: 100,
      flushIntervalMs: 2_000,
      timeoutMs: 10_000,
      minDelayMs: 500,
      maxDelayMs: 60_000,
      maxQueueEvents: 10_000,
      maxQueueBytes: 20_000_000,
      ...options,
      library: { name: '@tidemark/node', version: '0.1.0' },
      refuseWhenFull: whenFull !== 'drop',
      maxBatchEvents: 500,
      maxBatchBytes: 1_000_000,
    },
    {
      clock,
      random,
      state,
      makeDurable: spool && withJournal(spool),
      transport: {
        send: (body, timeoutMs) => transport.send(body, timeoutMs).finally(() => setImmediate(letIn)),
      },
      debug,
    },
  );

  /** Room may have come: the calls that waited longest go first, until one has to wait on. */
  function letIn(): void {
    while (blocked.length > 0 && blocked[0]!()) blocked.shift();
  }

  async function capture(draft: EventDraft): Promise<CaptureOutcome> {
    try {
      const ids = requestIds.getStore();
      const event = pipeline.stamp({ ...ids, ...draft, context: { ...ids?.context, ...draft.context, instanceId } });
      if (!event.userId && !event.anonymousId) return 'invalid';
      if (closed) return 'refused';
      if (blocked.length === 0) {
        const outcome = pipeline.capture(event);
        if (outcome !== 'refused' || whenFull !== 'block') return outcome;
      }
      if (blocked.length >= maxWaitingCalls) return 'refused';
      return await new Promise((resolve) => {
        refusals.push(() => resolve('refused'));
        blocked.push(() => {
          const outcome = pipeline.capture(event);
          if (outcome === 'refused') return false;
          refusals.shift();
          resolve(outcome);
          return true;
        });
      });
    } catch {
      // A draft whose getters throw, or a host's debug function: never the host's problem (SPEC G1).
      return 'invalid';
    }
  }

  /** A call of the host: what its event says, if it says `required`; whatever was given, it does not throw (G1). */
  const call =
    <E extends EventOptions>(required: readonly (keyof E)[], toDraft: (event: E) => EventDraft) =>
    async (event: E): Promise<CaptureOutcome> => {
      try {
        if (required.every((key) => typeof event[key] === 'string' && event[key].trim() !== ''))
          return await capture(toDraft(event));
      } catch {
        // Nothing was given, or its getters throw.
      }
      return 'invalid';
    };
  const named = <E extends { name?: string; properties?: Properties }>({ name, ...event }: E): Omit<E, 'name'> => ({
    ...event,
    properties: name ? { name, ...event.properties } : event.properties,
  });
  const flush = (): Promise<boolean> => pipeline.sender.flush().catch(() => false);

  /** Tries until nothing waits or the time is over; a server that asks to wait is waited for. */
  async function drain(timeoutMs: number): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    await within(timeoutMs, pipeline.ready);
    while (pipeline.waiting.events > 0 && Date.now() < deadline) {
      await within(deadline - Date.now(), flush());
      if (pipeline.waiting.events > 0) await rest(Math.min(200, Math.max(0, deadline - Date.now())));
    }
  }
  const takeBack = options.flushOnExit === false || !usable ? () => {} : flushBeforeExit(() => drain(exitTimeoutMs));

  return {
    track: call(['eventName'], (event) => ({ ...event, type: 'track' })),
    page: call([], (event) => ({ ...named(event), type: 'page' })),
    screen: call([], (event) => ({ ...named(event), type: 'screen' })),
    identify: call(['userId'], (event) => ({ ...event, type: 'identify' })),
    group: call(['groupId'], (event) => ({ ...event, type: 'group' })),
    alias: call(['userId', 'previousId'], (event) => ({ ...event, type: 'alias' })),
    flush,
    async close(timeoutMs = exitTimeoutMs) {
      takeBack();
      await drain(timeoutMs);
      closed = true;
      pipeline.sender.close();
      for (const giveUp of refusals.splice(0)) giveUp();
      blocked.length = 0;
      await within(timeoutMs, spool?.close());
      return { left: pipeline.waiting.events };
    },
    withIds: (ids, work) => requestIds.run({ ...requestIds.getStore(), ...ids }, work),
    middleware: () => (request, _response, next) => requestIds.run(readRequestIds(request), next),
    get waiting() {
      return pipeline.waiting;
    },
  };
}

/** Ends with `work`, or when the time is over; leaves no timer behind that would hold the process. */
async function within(ms: number, work: Promise<unknown> | undefined): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([work, new Promise((end) => (timer = setTimeout(end, Math.max(0, ms))))]);
  clearTimeout(timer);
}

/** Keeps the process alive: it is for its end. */
const rest = (ms: number): Promise<void> => new Promise((end) => setTimeout(end, ms));

function readAddress(path: string, host: string): string | undefined {
  try {
    return new URL(path, host).href;
  } catch {
    return undefined;
  }
}
