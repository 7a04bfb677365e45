/** Fans the processor's outcomes out to those who watch, each behind a buffer of its own that has an end. */
import type { ServerResponse } from 'node:http';
import { outputLine } from '@tidemark/analytics';
import type { Metrics } from '@tidemark/metrics';
import type { LiveOutcome, Outcome, ProcessorView } from '@tidemark/processor';
import type { ApiLimits } from './deps.ts';
import { toTimelineRow } from './stored-event.ts';

interface LiveReader {
  project: string;
  /** Only these; undefined = all. */
  outcomes?: ReadonlySet<Outcome> | undefined;
  eventNames?: ReadonlySet<string> | undefined;
  /** Asked at each heartbeat: false ends the stream (its token was revoked). */
  stillAllowed(): Promise<boolean>;
}

export interface LiveFeed {
  readonly size: number;
  /** Streams to `response` until it closes, `close()` is called, or it can't keep up. */
  attach(reader: LiveReader, response: ServerResponse): void;
  close(): void;
}

/** Proxies and browsers give idle connections up after 30 s and more. */
const HEARTBEAT_MS = 15_000;
/** What EventSource waits before it comes back. */
const RETRY_MS = 2_000;

export interface LiveFeedOptions {
  processor: ProcessorView;
  metrics: Metrics;
  limits: Pick<ApiLimits, 'liveBufferBytes'>;
  heartbeatMs?: number;
}

export function createLiveFeed({ processor, metrics, limits, heartbeatMs = HEARTBEAT_MS }: LiveFeedOptions): LiveFeed {
  const readers = new Map<ServerResponse, LiveReader>();
  let unsubscribe: (() => void) | undefined;
  let heartbeat: NodeJS.Timeout | undefined;

  function publish(outcomes: LiveOutcome[]): void {
    for (const outcome of outcomes) {
      // Written once, whoever reads it; not at all when nobody does.
      let frame: Buffer | undefined;
      for (const [response, reader] of readers) {
        if (wants(reader, outcome)) write(response, (frame ??= Buffer.from(frameOf(outcome))));
      }
    }
  }

  /** A reader that is too far behind is dropped: to wait for it would cost the memory of all. */
  function write(response: ServerResponse, frame: Buffer): void {
    if (response.writableLength + frame.length > limits.liveBufferBytes) drop(response, 'slow');
    else response.write(frame);
  }

  function drop(response: ServerResponse, reason: 'slow' | 'revoked' | 'closing'): void {
    if (!readers.delete(response)) return;
    metrics.counter('tidemark_live_clients_dropped_total', { reason }).inc();
    // A slow reader would also be slow to take our farewell.
    if (reason === 'slow') response.destroy();
    else response.end();
    settle();
  }

  function beat(): void {
    for (const [response, reader] of readers) {
      write(response, Buffer.from(': still here\n\n'));
      reader.stillAllowed().then(
        (allowed) => {
          if (!allowed) drop(response, 'revoked');
        },
        // Whether it is allowed can't be told now; the next heartbeat asks again.
        () => {},
      );
    }
  }

  /** Listens to the processor only while somebody reads. */
  function settle(): void {
    metrics.gauge('tidemark_live_clients', {}).set(readers.size);
    if (readers.size > 0 && unsubscribe === undefined) {
      unsubscribe = processor.subscribe(publish);
      heartbeat = setInterval(beat, heartbeatMs).unref();
    } else if (readers.size === 0 && unsubscribe !== undefined) {
      unsubscribe();
      unsubscribe = undefined;
      clearInterval(heartbeat);
    }
  }

  return {
    get size() {
      return readers.size;
    },
    attach(reader, response) {
      response.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        // nginx buffers answers unless told not to.
        'x-accel-buffering': 'no',
      });
      response.write(`retry: ${RETRY_MS}\n: connected\n\n`);
      readers.set(response, reader);
      response.once('close', () => {
        readers.delete(response);
        settle();
      });
      settle();
    },
    close() {
      for (const response of readers.keys()) drop(response, 'closing');
    },
  };
}

function wants({ project, outcomes, eventNames }: LiveReader, { outcome, ...of }: LiveOutcome): boolean {
  return of.project === project && (outcomes?.has(outcome) ?? true) && (eventNames?.has(of.eventName) ?? true);
}

/** One server-sent event: its type is the outcome, its data one line of JSON. */
function frameOf({ outcome, code, detail, eventId, eventName, event }: LiveOutcome): string {
  const head = JSON.stringify({ outcome, eventId, eventName, code, detail });
  const data = event === undefined ? head : `${head.slice(0, -1)},"event":${outputLine(toTimelineRow(event))}}`;
  return `event: ${outcome}\ndata: ${data}\n\n`;
}
