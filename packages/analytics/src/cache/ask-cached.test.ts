import { describe, expect, it } from 'vitest';
import type { AskContext } from '../asking/ask-context.ts';
import type { Kind } from '../kind.ts';
import type { Meta } from '../question/schema.ts';
import { AnswerCache, type AnswerCacheParts, type Lookup } from './answer-cache.ts';
import { askCached } from './ask-cached.ts';

const NOON_MS = Date.UTC(2026, 4, 4, 12);
const KIND = { name: 'count' } as Kind;

/** Askers of one cache; each computing takes until it is let go, and numbers its answer. */
class Askers {
  nowMs = NOON_MS;
  decisions = 0;
  computed = 0;
  readonly lookups: Lookup[] = [];
  readonly cache: AnswerCache;
  /** Of computings from now on: undefined = as soon as they begin. */
  gate: Promise<void> | undefined;

  constructor(parts: AnswerCacheParts = {}) {
    this.cache = new AnswerCache({ minElapsedMs: 0, observe: (lookup) => this.lookups.push(lookup), ...parts });
  }

  async ask(question: object = {}, { project = 'p1', sinceMs = -Infinity } = {}): Promise<{ n: number; cached: boolean; asOf: number }> {
    const freshness = { status: () => ({ asOfMs: this.nowMs - 100, watermarkMs: 0 }), caughtUp: async () => true };
    const context = { project, clock: () => this.nowMs, freshness } as unknown as AskContext;
    const compute = async (): Promise<{ n: number; text: string; meta: Meta }> => {
      const n = ++this.computed;
      const meta = { asOf: new Date(this.nowMs - 100).toISOString(), elapsedMs: 0, sql: '' } as Meta;
      await this.gate;
      return { n, text: 'x'.repeat(1_000), meta };
    };
    const caching = { answers: this.cache, decisions: async () => this.decisions, changes: () => ({ claims: 0, traits: 0 }) };
    const { n, meta } = (await askCached(KIND, question as never, sinceMs, context, caching, compute)) as { n: number; meta: Meta };
    return { n, cached: meta.cached === true, asOf: Date.parse(meta.asOf) };
  }
}

describe('an answer that was computed before', () => {
  it('serves for ten seconds, as of its computing, and says so', async () => {
    const askers = new Askers();
    expect(await askers.ask()).toEqual({ n: 1, cached: false, asOf: NOON_MS - 100 });
    askers.nowMs += 10_000;
    expect(await askers.ask()).toEqual({ n: 1, cached: true, asOf: NOON_MS - 100 });
    askers.nowMs += 1;
    expect(await askers.ask()).toMatchObject({ n: 2, cached: false });
    expect(askers.lookups).toEqual(['miss', 'hit', 'miss']);
  });

  it('does not serve another question, another project, what was decided since, or a clock that was put back', async () => {
    const askers = new Askers();
    await askers.ask();
    expect(await askers.ask({ limit: 2 })).toMatchObject({ n: 2 });
    expect(await askers.ask({}, { project: 'p2' })).toMatchObject({ n: 3 });
    askers.decisions++;
    expect(await askers.ask()).toMatchObject({ n: 4 });
    askers.nowMs -= 1;
    expect(await askers.ask({ range: 'today' })).toMatchObject({ n: 5 });
    askers.nowMs -= 5;
    expect(await askers.ask({ range: 'today' })).toMatchObject({ n: 6 });
  });

  it('does not serve who wants it anew or later, and then is the newer one', async () => {
    const askers = new Askers();
    await askers.ask();
    askers.nowMs += 1_000;
    expect(await askers.ask({}, { sinceMs: NOON_MS - 100 })).toMatchObject({ n: 1 });
    expect(await askers.ask({}, { sinceMs: NOON_MS - 99 })).toMatchObject({ n: 2 });
    expect(await askers.ask({ cache: false })).toMatchObject({ n: 3, cached: false });
    expect(await askers.ask({ cache: true })).toMatchObject({ n: 3, cached: true });
  });

  it('serves a range that moved with the clock, and not the yesterday of before midnight', async () => {
    const askers = new Askers();
    askers.nowMs = Date.UTC(2026, 4, 4) - 1_000;
    for (const range of ['last 7d', 'yesterday', 'today']) await askers.ask({ range });
    askers.nowMs += 2_000;
    expect(await askers.ask({ range: 'last 7d' })).toMatchObject({ n: 1, cached: true });
    expect(await askers.ask({ range: 'yesterday' })).toMatchObject({ n: 4 });
    expect(await askers.ask({ range: 'today' })).toMatchObject({ n: 5 });
  });

  it('goes when it was not asked for longest and its bytes are needed', async () => {
    const askers = new Askers({ maxBytes: 5_000 });
    for (const limit of [1, 2, 3]) await askers.ask({ limit });
    expect(askers.cache.size).toMatchObject({ answers: 3 });
    expect(await askers.ask({ limit: 1 })).toMatchObject({ n: 1 });
    await askers.ask({ limit: 4 });
    expect(askers.cache.size.bytes).toBeLessThanOrEqual(5_000);
    expect(await askers.ask({ limit: 1 })).toMatchObject({ n: 1 });
    expect(await askers.ask({ limit: 2 })).toMatchObject({ cached: false });
    askers.cache.clear();
    expect(askers.cache.size).toEqual({ answers: 0, bytes: 0 });
    expect(await askers.ask({ limit: 1 })).toMatchObject({ cached: false });
  });

  it('is not kept when it is larger than all that may be, or took no time', async () => {
    const [small, quick] = [new Askers({ maxBytes: 1_400 }), new Askers({ minElapsedMs: 100 })];
    for (const askers of [small, quick]) {
      await askers.ask();
      expect(await askers.ask()).toMatchObject({ n: 2, cached: false });
      expect(askers.cache.size.bytes).toBe(0);
    }
  });
});

describe('askings of one question at once', () => {
  it('are computed once, unless one wants it anew or later (rule V6)', async () => {
    const askers = new Askers();
    const { promise, resolve } = gate();
    askers.gate = promise;
    const [asked, began] = [askers.ask(), nextTurn()];
    await began;
    const others = [askers.ask(), askers.ask({ cache: false }), askers.ask({}, { sinceMs: NOON_MS }), askers.ask({}, { project: 'p2' })];
    await nextTurn();
    resolve();
    expect((await Promise.all([asked, ...others])).map(({ n, cached }) => [n, cached])).toEqual([[1, false], [1, true], [2, false], [3, false], [4, false]]);
    expect(await askers.ask()).toMatchObject({ n: 3, cached: true });
  });

  it('fail together, and the next one begins anew (rule V6)', async () => {
    const askers = new Askers();
    const { promise, reject } = gate();
    askers.gate = promise;
    const asked = Promise.allSettled([askers.ask(), nextTurn().then(() => askers.ask())]);
    await nextTurn();
    reject(new Error('gone'));
    expect(await asked).toMatchObject([{ status: 'rejected' }, { status: 'rejected' }]);
    expect(askers.computed).toBe(1);
    askers.gate = undefined;
    expect(await askers.ask()).toMatchObject({ n: 2, cached: false });
  });

  it('are not kept when everything was forgotten meanwhile', async () => {
    const askers = new Askers();
    const { promise, resolve } = gate();
    askers.gate = promise;
    const asked = askers.ask();
    await nextTurn();
    askers.cache.clear();
    resolve();
    await asked;
    expect(askers.cache.size.answers).toBe(0);
  });
});

function nextTurn(): Promise<void> {
  return new Promise((resume) => setImmediate(resume));
}

function gate(): { promise: Promise<void>; resolve: () => void; reject: (error: Error) => void } {
  const parts = {} as ReturnType<typeof gate>;
  parts.promise = new Promise<void>((resolve, reject) => Object.assign(parts, { resolve, reject }));
  return parts;
}
