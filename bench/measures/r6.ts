import { isDeepStrictEqual } from 'node:util';
import { knob } from '../options.ts';
import { WrongCount } from '../oracle/counts.ts';
import { HandSql } from '../questions/hand-sql.ts';
import type { QuestionStore } from '../questions/store/kept.ts';
import { copyOf, questionStore, removeCopy } from '../questions/store/store.ts';
import { askedOf, chosenKinds, KINDS_OF_TABLES, TYPICAL, type TypicalName } from '../questions/typical/kinds.ts';
import type { Typical } from '../questions/typical/typical.ts';
import { spread, type Measure, type Spread } from '../report/measure.ts';
import { Server } from '../server/server.ts';
import { entry } from './catalogue.ts';

export const EVENTS = 10_000_000;
/** What is faster is not asked of it. */
const LEAST_MS = 50;

export interface Asked {
  name: TypicalName;
  oursMs: Spread;
  handMs: Spread;
  ratio: Spread;
  rowsRead: number;
  less?: { what: string; ms: Spread };
  /** First and second pages of people behind its numbers. */
  pages: Record<string, number[]>;
}

/** What people wait for a page of people at the most. */
const PAGE_WITHIN_MS = 2_000;

/**
 * R6: the typical question of each kind through the API against the best statement by hand that gives the same answer, in
 * turns, each in an engine of its own over the same files. The figure is that of the worst kind; the answers are compared
 * in every round.
 * No kept answer is taken.
 */
export async function r6(): Promise<Measure[]> {
  const rounds = knob('TIDEMARK_BENCH_ROUNDS', 3);
  const store = await questionStore(knob('TIDEMARK_BENCH_EVENTS', EVENTS));
  const names = chosenKinds(KINDS_OF_TABLES);
  const asked = await askAll(store, names, { rounds });
  const slow = asked.filter(({ oursMs }) => oursMs.median >= LEAST_MS);
  if (slow.length === 0) throw new Error(`no question takes ${LEAST_MS} ms; raise TIDEMARK_BENCH_EVENTS`);
  const worst = slow.toSorted((a, b) => b.ratio.median - a.ratio.median)[0]!;
  return [
    {
      ...entry('R6'),
      what: `the typical question of each kind through the API against the best SQL by hand, ${store.plan.events.toLocaleString('en')} events; the worst of ${slow.length}: ${worst.name}`,
      value: worst.ratio,
      reduced: names.length === KINDS_OF_TABLES.length ? [] : [`only ${names.join(', ')}`],
      notes: asked.flatMap(notesOf),
      details: { events: store.plan.events, asked: Object.fromEntries(asked.map(({ name, ...rest }) => [name, rest])) },
    },
  ];
}

function notesOf({ name, oursMs, handMs, ratio, less, pages }: Asked): string[] {
  const lessWords = less === undefined ? '' : `; ${less.what}: ${less.ms.median.toFixed(0)} ms`;
  return [
    `${name}: ${ratio.median.toFixed(2)} (${oursMs.median.toFixed(0)} ms, by hand ${handMs.median.toFixed(0)} ms${lessWords})`,
    ...Object.entries(pages).map(([whose, ms]) => `people of its ${whose}: ${ms.map((each) => each.toFixed(0)).join(' and ')} ms for the first two pages`),
  ];
}

/**
 * Each question in turn with its statement; throws when the answers differ, or when what people wait for takes longer than they should:
 * `isInTime: false` leaves that out.
 */
export async function askAll(store: QuestionStore, names: readonly TypicalName[], { rounds, isInTime = true }: { rounds: number; isInTime?: boolean }): Promise<Asked[]> {
  const [ours, theirs] = [copyOf(store), copyOf(store)];
  const server = await Server.start({ dataPath: ours });
  const hand = await HandSql.open(theirs);
  const asked: Asked[] = [];
  try {
    for (const name of names) asked.push(await askInTurns(name, { store, server, hand, dataPath: theirs, rounds, isInTime }));
    return asked;
  } finally {
    await hand.close();
    await server.stop();
    removeCopy(ours);
    removeCopy(theirs);
  }
}

interface Sides {
  store: QuestionStore;
  server: Server;
  hand: HandSql;
  /** Of `hand`. */
  dataPath: string;
}

async function askInTurns(name: TypicalName, { store, server, hand, dataPath, rounds, isInTime }: Sides & { rounds: number; isInTime: boolean }): Promise<Asked> {
  const typical: Typical = TYPICAL[name];
  const { path, question, range, before, sql, expected, told, withinMs = Infinity, less, cells } = typical;
  const { from, to } = range(store.plan);
  const of = { project: store.plan.project, fromMs: Date.parse(from), toMs: Date.parse(to), dataPath };
  const statement = sql(of);
  const [oursMs, handMs, lessMs]: [number[], number[], number[]] = [[], [], []];
  let rowsRead = 0;
  let last: unknown;
  for (let round = -1; round < rounds; round++) {
    // The first round warms up; nothing is in wait for it.
    if (round >= 0) await before?.(server);
    const startedAt = performance.now();
    const answer = await server.api.ask<{ meta: { rowsRead: number } }>(`/api/analytics/${path}`, askedOf(typical, store.plan));
    const tookMs = performance.now() - startedAt;
    const byHand = await hand.run(statement);
    rowsRead = answer.meta.rowsRead;
    last = answer;
    const [found, wanted] = [told(answer as never), expected(byHand.rows)];
    if (!isDeepStrictEqual(found, wanted)) throw new WrongCount([`${name} answers ${excerpt(found)}, should be ${excerpt(wanted)}`]);
    const withLess = less && (await hand.run(less.sql(of)));
    if (round < 0) continue;
    if (isInTime && tookMs > withinMs) throw new Error(`${name} took ${tookMs.toFixed(0)} ms, and may take ${withinMs}`);
    if (withLess !== undefined) lessMs.push(withLess.ms);
    oursMs.push(tookMs);
    handMs.push(byHand.ms);
  }
  const pages: Record<string, number[]> = {};
  for (const { name: whose, cell, count } of cells?.(last as never) ?? []) pages[whose] = await pagesOf(server, `/api/analytics/${path}/people`, { ...question, from, to, cell }, { count, withinMs: isInTime ? PAGE_WITHIN_MS : Infinity });
  return { name, pages, oursMs: spread(oursMs), handMs: spread(handMs), ratio: spread(oursMs.map((ms, at) => ms / handMs[at]!)), rowsRead, ...(less && { less: { what: less.what, ms: spread(lessMs) } }) };
}

/** How long the first page of a cell's people and the one behind it take, ms. Throws when there are not `count` of them, or when one takes too long. */
async function pagesOf(server: Server, path: string, question: object, { count, withinMs }: { count: number; withinMs: number }): Promise<number[]> {
  const tookMs: number[] = [];
  let cursor: string | null | undefined;
  while (cursor !== null && tookMs.length < 2) {
    const startedAt = performance.now();
    const page = await server.api.ask<{ total: number; nextCursor: string | null }>(path, { ...question, ...(cursor && { cursor }) });
    const ms = performance.now() - startedAt;
    if (page.total !== count) throw new WrongCount([`${path} lists ${page.total} people, should be ${count}`]);
    if (ms > withinMs) throw new Error(`${path} took ${ms.toFixed(0)} ms, and may take ${withinMs}`);
    tookMs.push(ms);
    cursor = page.nextCursor;
  }
  return tookMs;
}

function excerpt(value: unknown): string {
  return JSON.stringify(value).slice(0, 400);
}
