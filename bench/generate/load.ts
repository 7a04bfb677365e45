/**
 * Sends events and keeps the ledger: what was sent, and what the answers say of it. In an open loop a batch is due at
 * its moment whether or not the server keeps up, and its latency counts from there: a server that stalls can't hide it
 * (Tene: How NOT to Measure Latency; "coordinated omission").
 */
import { BatchTemplate } from './events.ts';
import { Connection, type Answer } from './connection.ts';
import { latencyOf, type Latency } from './latency.ts';

export interface LoadPlan {
  port: number;
  path: string;
  writeKey: string;
  /** How long to send at the most. A load of `events` ends sooner, and one in a closed loop when it is told to. */
  seconds: number;
  /** Sends about so many events, rounded up to whole batches. */
  events?: number;
  connections: number;
  eventsPerBatch: number;
  /** Open loop: so many events a second are due whether or not the answers come. Absent: as fast as answers come. */
  eventsPerSecond?: number;
  /** This share of each batch takes ids of `seededIds` that the server has seen, drawn evenly. */
  repeats?: { share: number; seededIds: number };
  /** Draws every batch anew, instead of 64 of them in turns: dearer to make, for what compresses or is sorted. */
  varied?: boolean;
}

export interface LoadResult {
  sent: number;
  /** Events in answers with status 2xx: what the server now owes. */
  accepted: number;
  /** Of these, the ones with ids that were seeded: duplicates that must be found. */
  acceptedRepeats: number;
  /** Events that were answered no, by status. */
  refused: Record<string, number>;
  /** Events of requests that were never answered: the server may have them or not. */
  unanswered: number;
  /** Open loop: events that were due and could not be sent before the end. */
  unsent: number;
  /** Epoch ms: when the first batch was due, and when the last answer came. */
  startedAtMs: number;
  endedAtMs: number;
  /** Accepted, by that time; in an open loop by the whole window, as the last batch is due before its end. */
  eventsPerSecond: number;
  latency: Latency;
  bytesPerEvent: number;
  cpuMicrosPerEvent: number;
  /** Accepted events by person, with `varied` only. */
  people: Record<string, number>;
}

/** Batches that a load sends in turns: so many requests have all of its people. */
export const TEMPLATES = 1_024;

/** `ending`: aborted when a closed loop is to send no more. */
export async function runLoad(plan: LoadPlan, ending?: AbortSignal): Promise<LoadResult> {
  const load = new Load(plan, ending);
  await load.run();
  return load.result();
}

class Load {
  readonly #plan: LoadPlan;
  readonly #ending: AbortSignal | undefined;
  readonly #templates: BatchTemplate[];
  readonly #latenciesMs: number[] = [];
  readonly #people = new Map<string, number>();
  readonly #refused: Record<string, number> = {};
  readonly #gapMs: number;
  readonly #batches: number;
  #turn = 0;
  #sent = 0;
  #accepted = 0;
  #acceptedRepeats = 0;
  #unanswered = 0;
  #unsent = 0;
  #startedAt = 0;
  #endedAt = 0;
  #cpuMicros = 0;

  constructor(plan: LoadPlan, ending?: AbortSignal) {
    this.#plan = plan;
    this.#ending = ending;
    this.#templates = Array.from({ length: plan.varied ? 1 : TEMPLATES }, (_, seed) => new BatchTemplate(seed, plan.eventsPerBatch));
    this.#gapMs = plan.eventsPerSecond === undefined ? 0 : (plan.eventsPerBatch / plan.eventsPerSecond) * 1000;
    this.#batches = plan.events === undefined ? Infinity : Math.ceil(plan.events / plan.eventsPerBatch);
  }

  async run(): Promise<void> {
    const { port, path, writeKey, connections } = this.#plan;
    const open = () => Connection.open(port, path, writeKey);
    const all = await Promise.all(Array.from({ length: connections }, open));
    const cpuBefore = process.cpuUsage();
    this.#startedAt = performance.now();
    await Promise.all(all.map((connection) => this.#work(connection, open)));
    this.#endedAt = performance.now();
    const { user, system } = process.cpuUsage(cpuBefore);
    this.#cpuMicros = user + system;
  }

  async #work(first: Connection, open: () => Promise<Connection>): Promise<void> {
    const { seconds, eventsPerBatch } = this.#plan;
    const endsAt = this.#startedAt + seconds * 1000;
    let connection = first;
    for (;;) {
      const turn = this.#turn++;
      const dueAt = this.#gapMs === 0 ? performance.now() : this.#startedAt + turn * this.#gapMs;
      if (dueAt >= endsAt || turn >= this.#batches || this.#ending?.aborted === true) break;
      const wait = dueAt - performance.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      if (performance.now() >= endsAt) {
        // Still due, and no connection was free for it: it has waited at least so long.
        this.#unsent += eventsPerBatch;
        this.#latenciesMs.push(performance.now() - dueAt);
        continue;
      }
      const template = this.#templateOf(turn);
      const repeated = this.#repeated();
      this.#sent += template.events;
      try {
        const answer = await connection.post(template.fill(Date.now(), repeated));
        this.#latenciesMs.push(performance.now() - dueAt);
        this.#note(answer, template, repeated.length);
      } catch {
        this.#unanswered += template.events;
        connection.close();
        connection = await open();
      }
    }
    connection.close();
  }

  #templateOf(turn: number): BatchTemplate {
    return this.#plan.varied ? new BatchTemplate(turn, this.#plan.eventsPerBatch) : this.#templates[turn % TEMPLATES]!;
  }

  #repeated(): number[] {
    const { repeats, eventsPerBatch } = this.#plan;
    if (repeats === undefined) return [];
    return Array.from({ length: Math.round(repeats.share * eventsPerBatch) }, () => Math.floor(Math.random() * repeats.seededIds));
  }

  #note({ status, body }: Answer, template: BatchTemplate, repeats: number): void {
    if (status < 200 || status >= 300) {
      this.#refused[status] = (this.#refused[status] ?? 0) + template.events;
      return;
    }
    const accepted = acceptedOf(body, template.events);
    // Every event of the load is good; part of a batch can't be refused.
    if (accepted !== template.events) throw new Error(`of ${template.events} good events ${accepted} were accepted: ${body.slice(0, 500)}`);
    this.#accepted += accepted;
    this.#acceptedRepeats += repeats;
    if (this.#plan.varied) for (const person of template.people) this.#people.set(person, (this.#people.get(person) ?? 0) + 1);
  }

  result(): LoadResult {
    return {
      sent: this.#sent,
      accepted: this.#accepted,
      acceptedRepeats: this.#acceptedRepeats,
      refused: this.#refused,
      unanswered: this.#unanswered,
      unsent: this.#unsent,
      startedAtMs: performance.timeOrigin + this.#startedAt,
      endedAtMs: performance.timeOrigin + this.#endedAt,
      eventsPerSecond: (this.#accepted / Math.max(this.#endedAt - this.#startedAt, this.#gapMs === 0 ? 0 : this.#plan.seconds * 1000)) * 1000,
      latency: latencyOf(this.#latenciesMs),
      bytesPerEvent: this.#templates[0]!.bytesPerEvent,
      cpuMicrosPerEvent: this.#cpuMicros / Math.max(1, this.#sent),
      people: Object.fromEntries(this.#people),
    };
  }
}

/** Our collector says how many it took; a bare server that says nothing took them all. */
function acceptedOf(body: string, sent: number): number {
  const said = /"accepted":(\d+)/.exec(body)?.[1];
  return said === undefined ? sent : Number(said);
}
