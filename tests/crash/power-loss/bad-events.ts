import { WRITE_KEY } from '../../server-under-test.ts';

/** Sends a request of one good and two bad events now and then; tells the ids of the good ones and of the bad once they are answered for. */
export class BadEventClient {
  readonly sent = new Set<string>();
  readonly #url: string;
  readonly #onAnswered: (good: readonly string[], quarantined: readonly string[]) => void;
  #timer: NodeJS.Timeout | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(url: string, onAnswered: (good: readonly string[], quarantined: readonly string[]) => void) {
    this.#url = url;
    this.#onAnswered = onAnswered;
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
    const [good, bad] = [`good-among-bad-${this.sent.size}`, `bad-${this.sent.size}`];
    this.sent.add(good);
    const events = [{ eventId: good, eventName: 'x', userId: 'u0' }, { eventId: bad, userId: 'u0' }, { eventName: 'no_id' }];
    const response = await fetch(`${this.#url}/api/events/batch`, { method: 'POST', body: JSON.stringify({ events }), headers: { authorization: `Bearer ${WRITE_KEY}` } });
    const text = await response.text();
    const answer = JSON.parse(text) as { accepted: number; rejected: { eventId: string; quarantined: boolean }[] };
    if (response.status !== 202 || answer.accepted !== 1) throw new Error(`${response.status}: ${text}`);
    const quarantined = answer.rejected.filter((each) => each.quarantined).map(({ eventId }) => eventId);
    if (quarantined.length !== 2 || quarantined[0] !== bad) throw new Error(`the two bad events were answered otherwise: ${text}`);
    this.#onAnswered([good], [bad]);
  }
}
