/**
 * What becomes of each event (docs/protocol.md E, T, Q, X1, A1, R): requests in, by way of the door (door.ts), and of each
 * project what is stored, what is in quarantine and how many ended how.
 */
import type { EventType, JsonObject, StoredEvent } from '@tidemark/event';
import { atTheDoor, meaningOf, type Admitted } from './door.ts';

/** One request as it reached the door. */
export interface Request {
  project: string;
  source: string;
  /** Epoch ms. */
  receivedAtMs: number;
  /** sentAt of the batch, as it came; absent when there is none. */
  sentAt?: unknown;
  /** The events as JSON.parse reads them. */
  events: readonly unknown[];
}

export interface ProjectRules {
  retentionDays: number | null;
  bots: 'flag' | 'drop';
}

/** How many of a project's events ended how; `conflict` are of the duplicates. */
export interface Ends {
  received: number;
  stored: number;
  duplicate: number;
  conflict: number;
  quarantined: number;
  filtered: number;
  rejected: number;
}

/** An event that was refused, as it came. */
export interface Quarantined {
  value: unknown;
  source: string;
  receivedAtMs: number;
  sentAt: unknown;
}

export type EndAtTheDoor = 'stored' | 'duplicate' | 'conflict' | 'quarantined' | 'filtered' | 'rejected';

const DAY_MS = 86_400_000;
const UNKNOWN = {
  country: '', os: '', browser: '', deviceType: '', channel: '', campaignSource: '', campaignMedium: '', campaignName: '', referrerHost: '',
  pagePath: '', appVersion: '', locale: '',
};

export class Intake {
  readonly #isBot: (context: JsonObject) => boolean;
  readonly #rules = new Map<string, ProjectRules>();
  readonly #ends = new Map<string, Ends>();
  /** project -> eventId -> what its first copy said. Deletion leaves it: what was deleted does not come back (X1). */
  readonly #firstCopies = new Map<string, Map<string, string>>();
  readonly #stored = new Map<string, StoredEvent[]>();
  readonly #expired = new Map<string, StoredEvent[]>();
  /** project -> what is in quarantine. */
  readonly #quarantined = new Map<string, Quarantined[]>();

  /** `isBot` judges an event by its context (N4): user agents are not the model's business. */
  constructor(isBot: (context: JsonObject) => boolean = () => false) {
    this.#isBot = isBot;
  }

  setRules(project: string, rules: ProjectRules): void {
    this.#rules.set(project, rules);
  }

  /** What becomes of each event of a request, requests being given in the order of the log. */
  receive(request: Request): EndAtTheDoor[] {
    const { project, source, receivedAtMs, sentAt } = request;
    const { retentionDays } = this.#rulesOf(project);
    return request.events.map((value) => {
      const counts = this.ends(project);
      counts.received++;
      const door = atTheDoor(value, { receivedAtMs, sentAt, retentionDays });
      if (door.end !== 'stored') {
        counts[door.end]++;
        if (door.end === 'quarantined') this.quarantined(project).push({ value, source, receivedAtMs, sentAt });
        return door.end;
      }
      if (this.#isDropped(project, door.event)) {
        counts.filtered++;
        return 'filtered';
      }
      return this.#takeIn(door.event, { project, source, receivedAtMs });
    });
  }

  /**
   * R1 to R6: what is in quarantine, mended, is judged as if it had come so when it came, under the rules of now; what passes
   * leaves, and its receivedAt is `nowMs`. `mend` may change the value that it is given.
   */
  replay(project: string, nowMs: number, mend: (value: unknown) => unknown = (value) => value): void {
    const { retentionDays } = this.#rulesOf(project);
    const oldMs = retentionDays === null ? -Infinity : nowMs - retentionDays * DAY_MS;
    const waiting = this.quarantined(project).toSorted((a, b) => a.receivedAtMs - b.receivedAtMs);
    const stays = waiting.filter(({ value, source, receivedAtMs, sentAt }) => {
      const door = atTheDoor(mend(structuredClone(value)), { receivedAtMs, sentAt, retentionDays });
      if (door.end !== 'stored' || door.event.timeMs < oldMs || this.#isDropped(project, door.event)) return true;
      this.ends(project).quarantined--;
      this.#takeIn(door.event, { project, source, receivedAtMs: nowMs });
      return false;
    });
    this.#quarantined.set(project, stays);
  }

  /** What is in quarantine, in the order of the log. */
  quarantined(project: string): Quarantined[] {
    const known = this.#quarantined.get(project) ?? [];
    this.#quarantined.set(project, known);
    return known;
  }

  #isDropped(project: string, { context }: Admitted): boolean {
    return this.#rulesOf(project).bots === 'drop' && this.#isBot(context);
  }

  /** X1: the first copy is stored. */
  #takeIn(event: Admitted, { project, source, receivedAtMs }: { project: string; source: string; receivedAtMs: number }): EndAtTheDoor {
    const counts = this.ends(project);
    const firstCopies = this.#firstCopiesOf(project);
    const first = firstCopies.get(event.eventId);
    if (first === undefined) {
      firstCopies.set(event.eventId, saidBy(event));
      this.stored(project).push(storedOf(event, { project, source, receivedAtMs, bot: this.#isBot(event.context) }));
      counts.stored++;
      return 'stored';
    }
    counts.duplicate++;
    if (first === saidBy(event)) return 'duplicate';
    counts.conflict++;
    return 'conflict';
  }

  /** T8: what has grown older than its project keeps events. Counts stay: the balance is about what was received. */
  expire(project: string, nowMs: number): void {
    const { retentionDays } = this.#rulesOf(project);
    if (retentionDays === null) return;
    const isOld = ({ timeMs }: StoredEvent): boolean => timeMs < nowMs - retentionDays * DAY_MS;
    this.#expired.set(project, [...this.expired(project), ...this.stored(project).filter(isOld)]);
    this.#stored.set(project, this.stored(project).filter((event) => !isOld(event)));
  }

  /** A deleted project: all of its events are gone, and what they claimed (I9). */
  purge(project: string): void {
    this.#quarantined.set(project, []);
    this.#stored.set(project, []);
    this.#expired.set(project, []);
  }

  /** The project's events, in the order of the log. */
  stored(project: string): StoredEvent[] {
    const known = this.#stored.get(project) ?? [];
    this.#stored.set(project, known);
    return known;
  }

  ends(project: string): Ends {
    const known = this.#ends.get(project) ?? { received: 0, stored: 0, duplicate: 0, conflict: 0, quarantined: 0, filtered: 0, rejected: 0 };
    this.#ends.set(project, known);
    return known;
  }

  /** What `expire` took: its claims stay (I9). */
  expired(project: string): StoredEvent[] {
    return this.#expired.get(project) ?? [];
  }

  #rulesOf(project: string): ProjectRules {
    return this.#rules.get(project) ?? { retentionDays: null, bots: 'flag' };
  }

  #firstCopiesOf(project: string): Map<string, string> {
    const known = this.#firstCopies.get(project) ?? new Map<string, string>();
    this.#firstCopies.set(project, known);
    return known;
  }
}

/** What tells a copy from a conflict (X1): name, user and device, type and properties. */
function saidBy({ eventName, type, userId, anonymousId, properties }: Admitted): string {
  return JSON.stringify([eventName, type, userId, anonymousId, meaningOf(properties)]);
}

function storedOf(event: Admitted, facts: { project: string; source: string; receivedAtMs: number; bot: boolean }): StoredEvent {
  const { properties, context, traits, type, ...rest } = event;
  return {
    ...UNKNOWN, ...rest, ...facts, type: type as EventType, flags: 0,
    properties: JSON.stringify(properties), context: JSON.stringify(context), traits: JSON.stringify(traits),
  };
}
