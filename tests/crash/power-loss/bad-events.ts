import { WRITE_KEY } from '../../server-under-test.ts';

/** Sends a request of one good and two bad events now and then; tells the good ones' ids once they are acknowledged. */
export class BadEventClient {
  readonly sent = new Set<string>();
  quarantined = 0;
  readonly #url: string;
  readonly #onAcknowledged: (ids: readonly string[]) => void;
  #timer: NodeJS.Timeout | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(url: string, onAcknowledged: (ids: readonly string[]) => void) {
    this.#url = url;
    this.#onAcknowledged = onAcknowledged;
  }

  start(everyMs: number): void {
    this.#timer = setInterval(() => {
      this.#last = this.#last.then(() => this.#send());
    }, everyMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#last;
  }

  async #send(): Promise<void> {
    const good = `good-among-bad-${this.sent.size}`;
    this.sent.add(good);
    const events = [{ eventId: good, eventName: 'x', userId: 'u0' }, { eventId: 'no-name', userId: 'u0' }, { eventName: 'no_id' }];
    const response = await fetch(`${this.#url}/api/events/batch`, { method: 'POST', body: JSON.stringify({ events }), headers: { authorization: `Bearer ${WRITE_KEY}` } });
    const text = await response.text();
    const answer = JSON.parse(text) as { accepted: number; quarantined: number };
    if (response.status !== 202 || answer.accepted !== 1) throw new Error(`${response.status}: ${text}`);
    this.quarantined += answer.quarantined;
    this.#onAcknowledged([good]);
  }
}
