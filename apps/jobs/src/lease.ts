import type { JobRecords, RoundFacts } from '@tidemark/control';

/** Why the work on a job was told to stop. */
class LeaseLost extends Error {
  readonly code = 'lease_lost';
}

export interface LeaseOptions {
  records: JobRecords;
  name: string;
  holder: string;
  leaseMs: number;
  /** Told when it could not be prolonged for another reason than that it is lost. */
  onError: (error: unknown) => void;
}

/** The right to run one job, prolonged as long as the work lasts. */
export class Lease {
  readonly #options: LeaseOptions;
  readonly #abort = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #renewing: Promise<void> = Promise.resolve();

  /** Undefined while another engine runs the job. */
  static async take(options: LeaseOptions): Promise<Lease | undefined> {
    return (await options.records.take(options)) ? new Lease(options) : undefined;
  }

  private constructor(options: LeaseOptions) {
    this.#options = options;
    // Two may fail before it lapses.
    this.#timer = setInterval(() => {
      this.#renewing = this.#renewing.then(() => this.#renew());
    }, options.leaseMs / 3);
  }

  /** Aborts when the lease is lost, or `stop` is called. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  stop(reason: Error): void {
    this.#abort.abort(reason);
  }

  /** Gives it back, together with what the round did. */
  async end(facts: RoundFacts): Promise<void> {
    clearInterval(this.#timer);
    await this.#renewing;
    const { records, name, holder } = this.#options;
    await records.end({ name, holder, ...facts });
  }

  async #renew(): Promise<void> {
    const { records, name, onError } = this.#options;
    try {
      if (!(await records.renew(this.#options))) this.stop(new LeaseLost(`Another engine took the job ${name} over; this one leaves it.`));
    } catch (error) {
      // Nobody else can take it either while the control store fails.
      onError(error);
    }
  }
}
