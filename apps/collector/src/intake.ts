import { LIMITS, RowWriter } from '@tidemark/event';
import type { PlainEvent } from '@tidemark/event';
import type { Frames, Receipt } from '@tidemark/log';
import { stopByValve } from '@tidemark/pipeline';
import type { Admission, KeptRequest, QuarantineRecord, RequestFacts } from '@tidemark/pipeline';
import { partitionOf } from './partition.ts';
import { frameRecords, quarantineItem } from './quarantine.ts';
import type { RequestEvents } from './request-events.ts';

/** The one door for events; pipeline's `createAdmission` in earnest. */
export interface AdmissionPort {
  admit(value: unknown, facts: RequestFacts): Admission;
  /** Undefined: ask `admit`. Absent: always ask it. */
  admitPlain?(plain: PlainEvent, facts: RequestFacts): Admission | undefined;
  /** What is kept of the request with its quarantined events; absent: nothing. */
  kept?(facts: RequestFacts): KeptRequest | undefined;
}

/** What one request adds to the log, all of it in one append. */
export interface Appendage {
  frames: Frames[];
  receipts: Receipt[];
  /** Ends in the order of the events. */
  admissions: Admission[];
}

const MINUTE_MS = 60_000;

/**
 * Turns the events of one request into log records. Every event leaves exactly one mark: a row, a quarantine item,
 * or a place in a tally; so received = rows + items + tallied holds by construction.
 * Works within one tick, so that its row buffers can be shared by all requests.
 */
export class Intake {
  readonly #admission: AdmissionPort;
  readonly #rows: readonly RowWriter[];
  readonly #onFault: (error: unknown) => void;

  /** `onFault` is told when admission throws, which is a fault of ours: the event goes to quarantine, its neighbours on. */
  constructor(admission: AdmissionPort, partitions: number, onFault: (error: unknown) => void) {
    this.#admission = admission;
    this.#rows = Array.from({ length: partitions }, () => new RowWriter());
    this.#onFault = onFault;
  }

  take(events: RequestEvents, facts: RequestFacts): Appendage {
    const admissions: Admission[] = [];
    const counts = this.#rows.map(() => 0);
    const quarantine: QuarantineRecord[] = [];
    const tallies = new Map<string, QuarantineRecord & { kind: 'tally' }>();
    let kept: KeptRequest | undefined;
    for (let index = 0; index < events.count; index++) {
      const judged =
        (facts.valves && stopByValve(events.value(index), facts, () => events.bytes(index))) ??
        (events.isUtf8(index) ? this.#admit(events, index, facts, counts) : notUtf8(events.value(index)));
      const admission = judged.kind === 'quarantine' && isTooLargeToKeep(events, index) ? TOO_LARGE : judged;
      admissions.push(admission);
      if (admission.kind === 'quarantine') quarantine.push(quarantineItem(facts, admission, events.bytes(index), (kept ??= this.kept(facts))));
      else if (admission.kind === 'filter') tally(tallies, facts, 'filtered', admission.reason);
      else if (admission.kind === 'reject') tally(tallies, facts, 'rejected', admission.fault.code, admission.valve);
    }
    quarantine.push(...tallies.values());
    const frames: Frames[] = [];
    for (const [partition, rows] of this.#rows.entries()) {
      const count = counts[partition] as number;
      if (count > 0) frames.push({ topic: 'events', partition, count, bytes: rows.drain() });
    }
    if (quarantine.length > 0) frames.push(quarantineFrames(quarantine));
    return { frames, receipts: [receiptOf(facts, events.count)], admissions };
  }

  /** What a replay of the request's events will have to know of it. */
  kept(facts: RequestFacts): KeptRequest | undefined {
    return this.#admission.kept?.(facts);
  }

  #admit(events: RequestEvents, index: number, facts: RequestFacts, counts: number[]): Admission {
    try {
      const plain = events.plain(index);
      const admission =
        (plain && this.#admission.admitPlain?.(plain, facts)) ?? this.#admission.admit(events.value(index), facts);
      if (admission.kind === 'store') {
        const partition = partitionOf(facts.project, admission.event.eventId, counts.length);
        (this.#rows[partition] as RowWriter).writeFramed(admission.event);
        (counts[partition] as number)++;
      }
      return admission;
    } catch (error) {
      this.#onFault(error);
      const detail = 'The collector failed on this event; it is kept and can be replayed once that is mended.';
      return quarantined(events.value(index), 'internal_error', detail);
    }
  }
}

export function quarantineFrames(records: readonly QuarantineRecord[]): Frames {
  return { topic: 'quarantine', partition: 0, count: records.length, bytes: frameRecords(records) };
}

export function receiptOf(facts: { project: string; source: string; receivedAtMs: number }, received: number): Receipt {
  const minuteMs = Math.floor(facts.receivedAtMs / MINUTE_MS) * MINUTE_MS;
  return { project: facts.project, source: facts.source, minuteMs, received };
}

function tally(
  tallies: Map<string, QuarantineRecord & { kind: 'tally' }>,
  { project, source, receivedAtMs }: RequestFacts,
  outcome: 'filtered' | 'rejected',
  code: string,
  valve?: string,
): void {
  const key = `${outcome} ${code} ${valve}`;
  const known = tallies.get(key);
  if (known !== undefined) return void known.events++;
  const made = { kind: 'tally', project, source, receivedAtMs, outcome, code, events: 1 } as const;
  tallies.set(key, valve === undefined ? made : { ...made, valve });
}

const TOO_LARGE: Admission = {
  kind: 'reject',
  eventId: '',
  fault: { field: '', code: 'event_too_large', detail: `The event takes more than ${LIMITS.maxEventBytes} bytes; send large content elsewhere.` },
};

/** What is no object, or not UTF-8, is nothing but its bytes, and would be kept however many they are (C5). */
function isTooLargeToKeep(events: RequestEvents, index: number): boolean {
  if (isObject(events.value(index)) && events.isUtf8(index)) return false;
  return events.bytes(index).length > LIMITS.maxEventBytes;
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function notUtf8(value: unknown): Admission {
  const detail = 'The bytes of this event are not UTF-8; convert its text, most likely from Latin-1 or Windows-1252.';
  return quarantined(value, 'invalid_unicode', detail);
}

function quarantined(value: unknown, code: string, detail: string): Admission {
  const eventId = typeof value === 'object' && value !== null && 'eventId' in value ? value.eventId : undefined;
  return {
    kind: 'quarantine',
    eventId: typeof eventId === 'string' ? eventId.slice(0, LIMITS.maxEventIdLength).toWellFormed() : '',
    eventName: '',
    faults: [{ field: '', code, detail }],
  };
}
