/** Questions to a server at rest and while events come in as fast as they are answered, in turns: what R8 and r8-kinds share. */
import { setTimeout as delay } from 'node:timers/promises';
import { WrongCount } from '../oracle/counts.ts';
import { spread, type Spread } from '../report/measure.ts';
import { quiet } from '../resources/quiet.ts';
import type { Api } from '../server/api.ts';
import { generateUntilEnded } from '../server/generate.ts';
import type { Server } from '../server/server.ts';

export interface Asked {
  name: string;
  path: string;
  body?: object;
  /** Throws when the answer is not what it must be. */
  check?: (answer: unknown) => void;
}

/** How long each question of a window took, ms, by its name. */
export type Window = Record<string, number[]>;

export interface IdleAndLoaded {
  idle: Window[];
  loaded: Window[];
  accepted: number;
  /** Of the windows with load. */
  eventsPerSecond: Spread;
}

const STARTS_WITHIN_MS = 30_000;
const CAUGHT_UP_WITHIN_MS = 300_000;

/**
 * `ask` once at rest and once under full ingest, so many rounds; then what belongs to a round besides. The load is there before the first
 * question of its window and lasts until the last one is answered; everything is stored before what follows.
 */
export async function idleAndLoaded(server: Server, { rounds, ask, andThen }: { rounds: number; ask: () => Promise<Window>; andThen?: () => Promise<void> }): Promise<IdleAndLoaded> {
  const [idle, loaded, rates]: [Window[], Window[], number[]] = [[], [], []];
  let accepted = 0;
  for (let round = 0; round < rounds; round++) {
    await quiet(server.processes());
    idle.push(await ask());
    const before = await server.api.committedOffset();
    const load = generateUntilEnded(server.port);
    await commits(server.api, before ?? 0);
    loaded.push(await ask());
    const result = await load.end();
    accepted += result.accepted;
    rates.push(result.eventsPerSecond);
    await caughtUp(server.api);
    await andThen?.();
  }
  return { idle, loaded, accepted, eventsPerSecond: spread(rates) };
}

/** The questions one after another without a pause, over and over: so many times at least, and for so many seconds. */
export async function askOver(server: Server, questions: readonly Asked[], { turns, seconds = 0 }: { turns: number; seconds?: number }): Promise<Window> {
  const window: Window = {};
  const startedAt = performance.now();
  for (let turn = 0; turn < turns || performance.now() - startedAt < seconds * 1000; turn++) {
    for (const { name, path, body, check } of questions) {
      const askedAt = performance.now();
      const answer = await server.api.ask(path, body);
      (window[name] ??= []).push(performance.now() - askedAt);
      check?.(answer);
    }
  }
  return window;
}

/** Throws unless a question counts so many events of the project from `fromMs` on, which is before all that came in and after what was there. */
export async function expectCounted(api: Api, fromMs: number, accepted: number): Promise<void> {
  // A range that moves with the clock would lose some of them meanwhile.
  const range = { from: new Date(fromMs).toISOString(), to: new Date(Date.now() + 86_400_000).toISOString() };
  const { series } = await api.ask<{ series: { total: number }[] }>('/api/analytics/trend', { series: [{ measure: 'events' }], ...range, granularity: 'month', includeBots: true, cache: false });
  const counted = series[0]?.total ?? 0;
  if (counted !== accepted) throw new WrongCount([`events counted by a question: ${counted}, should be ${accepted}`]);
}

export async function caughtUp(api: Api): Promise<void> {
  for (const until = Date.now() + CAUGHT_UP_WITHIN_MS; (await api.lag()) !== 0; await delay(50)) {
    if (Date.now() > until) throw new Error(`not everything was processed within ${CAUGHT_UP_WITHIN_MS / 1000} s`);
  }
}

/** Resolves when something that came in after `before` is stored: the generator sends, and the engine is at work. */
async function commits(api: Api, before: number): Promise<void> {
  for (const until = Date.now() + STARTS_WITHIN_MS; ((await api.committedOffset()) ?? 0) <= before; await delay(50)) {
    if (Date.now() > until) throw new Error(`nothing was stored within ${STARTS_WITHIN_MS / 1000} s of load`);
  }
}
