/** From a call of the host to the wire: complete the event, let `beforeSend` see it, write it once, queue it, send it (SPEC E, Q, S). */
import type { CapturedEvent, EventDraft } from './event.ts';
import { countBytes, toJsonText } from './json-text.ts';
import type { MakeDurable } from './journalled-queue.ts';
import type { Clock, DropCounts, DropReason, QueuedEvent, Random, State, Transport } from './ports.ts';
import { createQueue } from './queue.ts';
import type { QueueLimits } from './queue.ts';
import { createSender } from './sender.ts';
import type { Sender, SenderOptions } from './sender.ts';
import { createUuid } from './uuid.ts';

export interface PipelineOptions extends QueueLimits, SenderOptions {
  writeKey: string;
  /** `context.library` of every event. */
  library: { name: string; version: string };
  /** Whether a queue that is full turns the new event away; else the oldest make room (Q1). */
  refuseWhenFull?: boolean | undefined;
  beforeSend?: ((event: CapturedEvent) => CapturedEvent | null) | undefined;
}

export interface PipelinePorts {
  clock: Clock;
  random: Random;
  state: State;
  /** Absent: the queue lives in memory. */
  makeDurable?: MakeDurable | undefined;
  transport: Transport;
  exclusive?: ((run: () => Promise<void>) => Promise<void>) | undefined;
  debug(sentence: string): void;
}

/** What became of a call at once; all but `queued` are its end. */
export type CaptureOutcome = 'queued' | 'duplicate' | 'refused' | 'filtered' | 'before_send' | 'invalid' | 'too_large';

export interface Pipeline {
  readonly sender: Sender;
  /** Events and bytes that wait. */
  readonly waiting: { events: number; bytes: number };
  /** Gives an event the id and time of now (E1), without queueing it. The draft becomes the event: each copy is paid for by every call. */
  stamp(draft: EventDraft): CapturedEvent;
  capture(draft: EventDraft): CaptureOutcome;
  /** Ends when the events of an earlier life are in the queue: nothing is sent before. */
  readonly ready: Promise<void>;
  /** Deletes what is queued, and all that is stored, of other lives too (P1, P5). */
  clear(): void;
}

/** The server's limit for one event, as compact JSON (protocol E11). */
const MAX_EVENT_BYTES = 65_536;

export function createPipeline(options: PipelineOptions, ports: PipelinePorts): Pipeline {
  const { clock, random, state, debug } = ports;
  const inMemory = createQueue(options);
  const durable = ports.makeDurable?.(
    inMemory,
    (events) => drop(events, 'queue_full'),
    (error) => debug(`journal: ${error}`),
  );
  const queue = durable ?? inMemory;
  const ready = Promise.resolve(durable?.restored).then(() => {
    if (queue.length > 0) sender.captured();
  });
  const sender = createSender(options, { ...ports, queue, ready, writeBatch, onDropped: drop });

  function writeBatch(events: readonly QueuedEvent[]): string {
    const head = JSON.stringify({ writeKey: options.writeKey, sentAt: new Date(clock.now()).toISOString() });
    return `${head.slice(0, -1)},"events":[${events.map(({ text }) => text).join()}]}`;
  }

  /** Counts events that had a number (E5), and what rode on them. */
  function drop(events: readonly QueuedEvent[], reason: DropReason): void {
    if (events.length === 0) return;
    debug(`${events.length} events dropped: ${reason}`);
    const counts = readCounts(state) ?? {};
    for (const dropped of [{ [reason]: events.length } as DropCounts, ...events.map(({ dropped }) => dropped)])
      for (const key in dropped)
        counts[key as DropReason] = (counts[key as DropReason] ?? 0) + dropped[key as DropReason]!;
    state.set('dropped', JSON.stringify(counts));
  }

  function stamp(draft: EventDraft): CapturedEvent {
    const now = clock.now();
    draft.eventId ||= createUuid(now, random);
    draft.timestamp ??= new Date(now).toISOString();
    return draft as CapturedEvent;
  }

  function capture(draft: EventDraft): CaptureOutcome {
    const outcome = enqueue(stamp(draft));
    if (outcome === 'queued') sender.captured();
    else debug(`${draft.type} is not sent: ${outcome}`);
    return outcome;
  }

  function enqueue(stamped: CapturedEvent): CaptureOutcome {
    let event: CapturedEvent | null = stamped;
    try {
      if (options.beforeSend) event = options.beforeSend(stamped);
    } catch (error) {
      debug(`beforeSend threw: ${error}`);
      return 'before_send';
    }
    if (!event) return 'filtered';
    if (queue.has(event.eventId)) return 'duplicate';
    const dropped = readCounts(state);
    // The number belongs to a process that says its id, or to a device: an event that was held from before a reset still
    // has the device of its time (E4).
    const counter = (event.context?.['instanceId'] as string | undefined) ?? event.anonymousId ?? '';
    const [counted, last] = (state.get('sequence') ?? '').split(' ');
    const sequence = ((counted === counter && Number(last)) || 0) + 1;
    const context = { ...event.context, library: { ...options.library, dropped } };
    const text = toJsonText({ ...event, sequence, context });
    if (text === undefined) return 'invalid';
    const bytes = countBytes(text);
    if (bytes > MAX_EVENT_BYTES) return 'too_large';
    if (options.refuseWhenFull && !queue.hasRoomFor(bytes)) return 'refused';
    state.set('sequence', `${counter} ${sequence}`);
    if (dropped) state.set('dropped', undefined);
    drop(queue.add({ eventId: event.eventId, text, bytes, dropped }), 'queue_full');
    return 'queued';
  }

  return {
    sender,
    get waiting() {
      return { events: queue.length, bytes: queue.bytes };
    },
    stamp,
    capture,
    ready,
    clear: () => queue.clear(),
  };
}

/** None where the storage holds something else: it is other people's, too. */
function readCounts(state: State): DropCounts | undefined {
  const text = state.get('dropped');
  try {
    if (text) return { ...(JSON.parse(text) as DropCounts) };
  } catch {
    // None.
  }
  return undefined;
}

/** As `call`, but what it throws goes to `onError`, or nowhere: nothing of ours may end by the host's own function, nor the host by ours (G1). */
export function quietly<A extends unknown[]>(
  call: ((...args: A) => void) | undefined,
  onError?: (error: unknown) => void,
): (...args: A) => void {
  return (...args) => {
    try {
      call?.(...args);
    } catch (error) {
      onError?.(error);
    }
  };
}
