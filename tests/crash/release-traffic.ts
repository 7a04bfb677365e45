/** Traffic of apps before, during and after a bad release, with a ledger of its own of what was answered. */
import { Agent, request } from 'node:http';
import type { BareServer } from './bare-server.ts';
import { WRITE_KEY } from '../server-under-test.ts';

export const BAD_VERSION = '9.9.9';
const GOOD_VERSIONS = ['9.9.7', '9.9.8'];
const NAMES = ['page_view', 'add_to_cart', 'purchase'];
const EVENTS_PER_BATCH = 20;
const TICK_MS = 10;
/** Often enough to meet what slows ours down, and too seldom to cost anything. */
const BATCHES_PER_BARE = 4;

/** Ways in which the bad release spoils an event, and the first reason that must be given for it. */
const MALFORMATIONS: readonly [code: string, spoil: (text: string) => string][] = [
  ['missing_event_id', (text) => text.replace('"eventId"', '"evenId"')],
  ['missing_identity', (text) => text.replace('"userId"', '"user"')],
  ['illegal_id', (text) => text.replace(/"userId":"[^"]*"/, '"userId":"[object Object]"')],
  ['wrong_type', (text) => text.replace(/"userId":"[^"]*"/, '"userId":12345678901234567890')],
  ['invalid_timestamp', (text) => text.replace(/"timestamp":\d+/, '"timestamp":"2026-05-03 10:00"')],
  ['number_out_of_range', (text) => text.replace('"n":', '"n":1e400,"m":')],
  ['too_deep', (text) => text.replace('"n":', `"deep":${'['.repeat(30)}${']'.repeat(30)},"n":`)],
  ['invalid_unicode', (text) => text.replace('"eventName":"', '"eventName":"\\ud800')],
];

interface Sent {
  text: string;
  name: string;
  version: string;
  /** Undefined for a well-formed one. */
  code: string | undefined;
}

interface Phase {
  sentGood: number;
  /** Of the bad version, its well-formed ones among them. */
  sentBad: number;
  accepted: number;
  malformed: number;
  valveQuarantined: number;
  valveDropped: number;
  /** The quantile that is judged, of the time until an answer. */
  acceptMs: number;
  /** Of the bare server in the same time. */
  bareMs: number;
}

type Rejected = { index: number; code: string; quarantined: boolean };

export class ReleaseTraffic {
  readonly phases: Record<string, Phase> = {};
  readonly acceptedByNameAndVersion = new Map<string, number>();
  readonly quarantinedByCode = new Map<string, number>();
  /** One original text of each code. */
  readonly samples = new Map<string, string>();
  /** What should not have been answered so. */
  readonly wrongAnswers: string[] = [];
  sent = 0;
  acceptedOnce = 0;
  copies = 0;
  /** Lets go of idle connections long before the server does (72 s), or the two would meet now and then. */
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 32, timeout: 20_000 });
  readonly #bare: BareServer;
  readonly #url: string;
  readonly #eventsPerSecond: number;
  readonly #quantile: number;
  #number = 0;

  constructor(url: string, eventsPerSecond: number, bare: BareServer, quantileJudged: number) {
    this.#quantile = quantileJudged;
    this.#url = url;
    this.#bare = bare;
    this.#eventsPerSecond = eventsPerSecond;
  }

  /** Sends by the clock, whether or not answers have come; resolves when all have. */
  async run(name: string, forMs: number, { badRelease }: { badRelease: boolean }): Promise<void> {
    const phase = { sentGood: 0, sentBad: 0, accepted: 0, malformed: 0, valveQuarantined: 0, valveDropped: 0, acceptMs: 0, bareMs: 0 };
    const bareMs: number[] = [];
    const latenciesMs: number[] = [];
    const answers: Promise<void>[] = [];
    const batchesPerMs = this.#eventsPerSecond / EVENTS_PER_BATCH / 1_000;
    const startedAtMs = performance.now();
    for (let due = 0; ; ) {
      const elapsedMs = performance.now() - startedAtMs;
      if (elapsedMs >= forMs) break;
      for (; due < elapsedMs * batchesPerMs; due++) {
        answers.push(this.#send(phase, latenciesMs, false));
        if (badRelease) answers.push(this.#send(phase, latenciesMs, true));
        if (due % BATCHES_PER_BARE === 0) answers.push(this.#bare.post().then((ms) => void bareMs.push(ms)));
      }
      await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    }
    await Promise.all(answers);
    this.phases[name] = { ...phase, acceptMs: quantile(latenciesMs, this.#quantile), bareMs: quantile(bareMs, this.#quantile) };
  }

  sum(key: 'malformed' | 'valveQuarantined' | 'valveDropped'): number {
    return Object.values(this.phases).reduce((total, phase) => total + phase[key], 0);
  }

  close(): void {
    this.#agent.destroy();
  }

  async #send(phase: Phase, latenciesMs: number[], bad: boolean): Promise<void> {
    const events = Array.from({ length: EVENTS_PER_BATCH }, () => this.#event(bad));
    phase[bad ? 'sentBad' : 'sentGood'] += events.length;
    await this.#post(events, phase, latenciesMs, false);
    // Now and then a client sends again what was taken; only of versions that no valve comes between.
    if (!bad && this.#number % 50 === 0) await this.#post(events, phase, latenciesMs, true);
  }

  #event(bad: boolean): Sent {
    const number = this.#number++;
    const name = NAMES[number % NAMES.length]!;
    const version = bad ? BAD_VERSION : GOOD_VERSIONS[number % GOOD_VERSIONS.length]!;
    const event = {
      eventId: `e${number}`,
      eventName: name,
      userId: `u${number % 997}`,
      timestamp: Date.now(),
      properties: { n: number, text: 'x'.repeat(300) },
      context: { appVersion: version },
    };
    const malformed = bad && number % 2 === 0;
    const [code, spoil] = malformed ? MALFORMATIONS[(number / 2) % MALFORMATIONS.length]! : [undefined, (same: string) => same];
    return { text: spoil(JSON.stringify(event)), name, version, code };
  }

  async #post(events: readonly Sent[], phase: Phase, latenciesMs: number[], copy: boolean): Promise<void> {
    const body = `{"events":[${events.map(({ text }) => text).join(',')}]}`;
    const sentAtMs = performance.now();
    const { status, text } = await this.#request(body);
    latenciesMs.push(performance.now() - sentAtMs);
    if (status !== 202) return void this.wrongAnswers.push(`${status} ${text}`);
    this.sent += events.length;
    const { accepted, rejected } = JSON.parse(text) as { accepted: number; rejected: Rejected[] };
    if (copy) {
      this.copies += accepted;
      return;
    }
    phase.accepted += accepted;
    this.acceptedOnce += accepted;
    const byIndex = new Map(rejected.map((each) => [each.index, each]));
    for (const [index, event] of events.entries()) this.#note(event, byIndex.get(index), phase);
  }

  #note(event: Sent, rejected: Rejected | undefined, phase: Phase): void {
    if (rejected === undefined) {
      if (event.code !== undefined) this.wrongAnswers.push(`accepted: ${event.text}`);
      return add(this.acceptedByNameAndVersion, `${event.name} ${event.version}`);
    }
    const { code, quarantined } = rejected;
    if (code === 'valve') phase[quarantined ? 'valveQuarantined' : 'valveDropped']++;
    else phase.malformed++;
    if (code === 'valve' ? event.version !== BAD_VERSION : code !== event.code) this.wrongAnswers.push(`${code}: ${event.text}`);
    if (!quarantined) return;
    add(this.quarantinedByCode, code);
    this.samples.set(code, event.text);
  }

  #request(body: string): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${WRITE_KEY}`, 'content-length': Buffer.byteLength(body) };
      const sending = request(`${this.#url}/api/events/batch`, { method: 'POST', agent: this.#agent, headers }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () => resolve({ status: answer.statusCode!, text: Buffer.concat(chunks).toString() }));
        answer.on('error', reject);
      });
      sending.on('error', reject);
      sending.end(body);
    });
  }
}

function quantile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round((sorted[Math.floor(sorted.length * share)] ?? 0) * 10) / 10;
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
