/**
 * Batches of 1 KB events for load. Each body is made once, and before each sending only its ids and times are written
 * anew in place: the generator shares two cores with what it measures and must cost next to nothing.
 */
import { randomFillSync } from 'node:crypto';
import { seededId } from './ids.ts';
import { drawEvent, ID, personOf, TIME } from './shop.ts';

export class BatchTemplate {
  readonly events: number;
  /** Who did each event; see `personOf`. */
  readonly people: readonly string[];
  readonly #bytes: Buffer;
  readonly #idSlots: number[] = [];
  readonly #timeSlots: number[] = [];
  readonly #random: Buffer;

  /** The same seed makes the same events, but for ids and times. */
  constructor(seed: number, events: number) {
    this.events = events;
    const list = Array.from({ length: events }, (_, index) => drawEvent(seed * events + index));
    this.people = list.map(personOf);
    this.#bytes = Buffer.from(JSON.stringify({ sentAt: TIME, events: list }));
    for (let at = this.#bytes.indexOf(ID); at !== -1; at = this.#bytes.indexOf(ID, at + 36)) this.#idSlots.push(at);
    for (let at = this.#bytes.indexOf(TIME); at !== -1; at = this.#bytes.indexOf(TIME, at + 24)) this.#timeSlots.push(at);
    this.#random = Buffer.alloc(16 * events);
  }

  /** Bytes of the JSON of one event, on average. */
  get bytesPerEvent(): number {
    return this.#bytes.length / this.events;
  }

  /**
   * The body with fresh random ids and the time of now; valid until the next call. `repeated`: numbers of seeded ids
   * that the first of its events take instead.
   */
  fill(nowMs: number, repeated: readonly number[] = []): Buffer {
    randomFillSync(this.#random);
    const hex = this.#random.toString('hex');
    for (const [index, at] of this.#idSlots.entries()) {
      const number = repeated[index];
      if (number !== undefined) {
        this.#bytes.write(seededId(number), at, 'latin1');
        continue;
      }
      const from = index * 32;
      this.#bytes.write('ffffffff-ffff-4fff-8fff-', at, 'latin1');
      this.#bytes.write(hex.slice(from, from + 8), at, 'latin1');
      this.#bytes.write(hex.slice(from + 8, from + 12), at + 9, 'latin1');
      this.#bytes.write(hex.slice(from + 13, from + 16), at + 15, 'latin1');
      this.#bytes.write(hex.slice(from + 17, from + 20), at + 20, 'latin1');
      this.#bytes.write(hex.slice(from + 20, from + 32), at + 24, 'latin1');
    }
    const time = new Date(nowMs).toISOString();
    for (const at of this.#timeSlots) this.#bytes.write(time, at, 'latin1');
    return this.#bytes;
  }
}
