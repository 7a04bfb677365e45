/**
 * The whole system in memory: requests in, answers out. What becomes of an event is the intake's (intake.ts), what is answered
 * docs/questions.md's, by way of the questions. It knows no log, no range, no table and no restart: a process that ends and
 * starts again must not show, so there is nothing here for it to change.
 */
import { meaningOf } from './door.ts';
import type { SessionedEvent } from './event-with.ts';
import { funnel, type FunnelAnswer, type FunnelQuestion } from './funnel.ts';
import { Intake } from './intake.ts';
import { withOwners, type OwnedEvent } from './owner-values.ts';
import { persons, type IdentityDecision, type Persons } from './person.ts';
import { withSessions } from './session-of-event.ts';
import { SESSION_GAP_MS, sessions, type SessionsLine, type SessionsQuestion } from './sessions.ts';
import { timeline } from './timeline.ts';
import { trend, type TrendLine, type TrendQuestion } from './trend.ts';

/** An event as it leaves the system, but for what enrichment adds to its context. Times are epoch ms. */
export interface Leaving {
  eventId: string;
  eventName: string;
  type: string;
  userId: string;
  anonymousId: string;
  sessionId: string;
  groupId: string;
  previousId: string;
  /** Name of the person. */
  personId: string;
  timeMs: number;
  originalTimeMs: number;
  receivedAtMs: number;
  sequence: number;
  source: string;
  bot: boolean;
  /** As `meaningOf` has them. */
  properties: string;
  traits: string;
}

export class System extends Intake {
  readonly #decisions = new Map<string, IdentityDecision[]>();

  /** What somebody decides about two nodes (`user x`, `device x`), now and for ever. */
  decide(project: string, decision: IdentityDecision): void {
    this.#decisions.set(project, [...(this.#decisions.get(project) ?? []), decision]);
  }

  trend(project: string, question: TrendQuestion): TrendLine[][] {
    return trend(this.#withOwners(project), question, this.#personsOf(project).of);
  }

  funnel(project: string, question: FunnelQuestion): FunnelAnswer {
    return funnel(this.stored(project), question, this.#personsOf(project).of);
  }

  /** The whole first, then its groups. */
  sessions(project: string, question: SessionsQuestion): SessionsLine[] {
    return sessions(this.stored(project), question, this.#personsOf(project).of);
  }

  /**
   * What the models of all kinds of questions take: the events with all that is known of their persons, groups and sessions (of
   * 30 minutes), and whose they are.
   */
  known(project: string): { events: (OwnedEvent & SessionedEvent)[]; person: Persons['of'] } {
    const person = this.#personsOf(project).of;
    return { events: withSessions(this.#withOwners(project), SESSION_GAP_MS, person), person };
  }

  /** eventIds of the person that an id belongs to, in order. */
  timeline(project: string, id: string): string[] {
    return timeline(this.stored(project), id, this.#decisions.get(project), this.expired(project));
  }

  /** All events of a project, by eventId. */
  exported(project: string): Leaving[] {
    const { of } = this.#personsOf(project);
    return this.stored(project)
      .map((event) => ({
        eventId: event.eventId, eventName: event.eventName, type: event.type, userId: event.userId, anonymousId: event.anonymousId,
        sessionId: event.sessionId, groupId: event.groupId, previousId: event.previousId, personId: nameOf(of(event)), timeMs: event.timeMs,
        originalTimeMs: event.originalTimeMs, receivedAtMs: event.receivedAtMs, sequence: event.sequence, source: event.source, bot: event.bot,
        properties: meaningOf(JSON.parse(event.properties)), traits: meaningOf(JSON.parse(event.traits)),
      }))
      .toSorted((a, b) => (a.eventId < b.eventId ? -1 : 1));
  }

  #withOwners(project: string): OwnedEvent[] {
    return withOwners(this.stored(project), this.#decisions.get(project), this.expired(project));
  }

  #personsOf(project: string): Persons {
    return persons(this.stored(project), this.#decisions.get(project), this.expired(project));
  }
}

/** `user x` and `device x` are two people, and both are called x. */
function nameOf(person: string): string {
  return person.slice(person.indexOf(' ') + 1);
}
