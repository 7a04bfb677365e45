import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { latencyOf } from '../generate/latency.ts';
import { allQueryable, checkStores, Ledger, WrongCount } from '../oracle/counts.ts';
import { knob } from '../options.ts';
import { runSql } from '../prepare/sql.ts';
import { spread, type Measure } from '../report/measure.ts';
import { answerOf, startProgram } from '../server/program.ts';
import { Server } from '../server/server.ts';
import type { Person, TimelineOrder, TimelineResult } from '../generate/timeline-reader.ts';
import { newFolder, removeFolder } from '../server/temporary.ts';
import { generate } from '../server/generate.ts';
import { entry } from './catalogue.ts';

const OWN_EVENTS = 3_000_000;
/** Sent over HTTP; the rest are copies of these rows under other people. */
const COPIES = 10;
const LIMIT = 100;

/**
 * R10: p99 of the last 100 events of a person, through the API. A tenth of the events comes the usual way; their rows are
 * then copied for other people, by SQL on the table, so that a few million stand there within the time of a benchmark.
 */
export async function r10(): Promise<Measure[]> {
  const rounds = knob('TIDEMARK_BENCH_ROUNDS', 3);
  const events = knob('TIDEMARK_BENCH_EVENTS', OWN_EVENTS);
  const dataPath = newFolder();
  const people = await fill(dataPath, events);
  const server = await Server.start({ dataPath });
  const { disk } = await server.api.pipeline();
  const rows = disk.tables.find(({ table }) => table === 'timeline')?.rows ?? 0;
  const isCold = dropPageCache();
  const reader = new Readers(server.port);
  const busy = people.filter(({ events }) => events >= LIMIT);
  if (busy.length === 0) throw new Error('nobody has 100 events; raise TIDEMARK_BENCH_EVENTS');
  // Each person once, so that nothing of theirs has been read before.
  const cold = latencyOf(await reader.lastEvents(sample(busy, 100)));
  const unmerged = latencyOf(await reader.lastEvents(sample(busy, 300)));
  const parts = await partsMerged(server);
  await reader.lastEvents(sample(busy, 300));
  const warm = [];
  for (let round = 0; round < rounds; round++) warm.push(latencyOf(await reader.lastEvents(sample(busy, 500))));
  await reader.checkWhole(sample(people, 10));
  reader.close();
  await server.stop();
  removeFolder(dataPath);
  const coldName = isCold ? 'first look at each of 100 people after a start, page cache dropped' : 'first look at each of 100 people after a start; the page cache could not be dropped (not root)';
  return [
    {
      ...entry('R10'),
      what: `timeline p99 through the API, last ${LIMIT} events of one person of ${rows.toLocaleString('en')} rows, warm, one question at a time, at rest: its parts merged`,
      value: spread(warm.map(({ p99Ms }) => p99Ms)),
      notes: [
        `cold (${coldName}): p50 ${cold.p50Ms.toFixed(1)} ms, p99 ${cold.p99Ms.toFixed(1)} ms`,
        `before the parts were merged, which is done after 30 s of rest: p50 ${unmerged.p50Ms.toFixed(1)} ms, p99 ${unmerged.p99Ms.toFixed(1)} ms`,
      ],
      details: { rows, parts, peopleAsked: busy.length, warmP50Ms: spread(warm.map(({ p50Ms }) => p50Ms)), warmMaxMs: spread(warm.map(({ maxMs }) => maxMs)), cold, isCold, unmerged },
    },
  ];
}

/**
 * Resolves when the engine has brought together the parts of the timeline. That the job has merged something is not enough: its first
 * round may be about the ids alone, and the timeline's, which is merged half a minute later, then falls into what is measured. A small
 * part beside a large one stays: it is not worth a merge to the job. Resolves with how many there are.
 */
async function partsMerged(server: Server): Promise<number> {
  let [parts, sinceMs] = [0, Date.now()];
  for (const until = Date.now() + 240_000; Date.now() < until; await sleep(500)) {
    const { disk } = await server.api.pipeline();
    const now = disk.tables.find(({ table }) => table === 'timeline')?.parts ?? 0;
    if (now !== parts) [parts, sinceMs] = [now, Date.now()];
    // The job begins within 30 s of 30 s of rest.
    if (parts === 1 || (parts === 2 && Date.now() - sinceMs > 100_000)) return parts;
  }
  throw new Error('the parts of the timeline were not merged within 4 minutes');
}

async function fill(dataPath: string, events: number): Promise<Person[]> {
  const server = await Server.start({ dataPath });
  const ledger = new Ledger();
  const load = await generate(server.port, { seconds: 600, events: events / COPIES, varied: true });
  ledger.add(load);
  await allQueryable(server, ledger);
  await checkStores(server, ledger);
  await server.stop();
  const copies = Array.from({ length: COPIES - 1 }, (_, index) => index + 1);
  await runSql(
    join(dataPath, 'warehouse'),
    copies.map(
      (copy) => `INSERT INTO timeline SELECT * REPLACE (concat(raw_id, '-${copy}') AS raw_id, concat(anonymous_id, '-${copy}') AS anonymous_id,
        concat(event_id, '-${copy}') AS event_id, '' AS user_id, offset + ${copy * 1e9} AS offset) FROM (SELECT * FROM timeline WHERE offset < 1e9)`,
    ),
  );
  const own = Object.entries(load.people).map(([id, count]) => ({ id, events: count }));
  return [...own, ...copies.flatMap((copy) => own.map(({ id, events }) => ({ id: `${id}-${copy}`, events })))];
}

/** Asks in a process of its own, which collects its garbage between two pages: in this one, which knows 200,000 people, each collection took up to 40 ms of some page. */
class Readers {
  readonly #child = startProgram('timeline-process');
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  /** Milliseconds of each page; throws WrongCount when one is not the last events of its person, latest first. */
  lastEvents(people: readonly Person[]): Promise<number[]> {
    return this.#ask({ port: this.#port, limit: LIMIT, people });
  }

  /** Throws unless the pages of each person's timeline hold as many events as were sent, each once. */
  async checkWhole(people: readonly Person[]): Promise<void> {
    await this.#ask({ port: this.#port, limit: LIMIT, people, whole: true });
  }

  close(): void {
    this.#child.kill();
  }

  async #ask(order: TimelineOrder): Promise<number[]> {
    this.#child.send(order);
    const { tookMs, wrong } = await answerOf<TimelineResult>(this.#child);
    if (wrong !== undefined) throw new WrongCount([wrong]);
    return tookMs;
  }
}

/** Different ones, at random. */
function sample<Item>(items: readonly Item[], count: number): Item[] {
  return items.map((item) => [Math.random(), item] as const).toSorted(([a], [b]) => a - b).slice(0, count).map(([, item]) => item);
}

/** True when the files' pages are out of memory: Linux lets root ask for it. */
function dropPageCache(): boolean {
  try {
    execFileSync('sync');
    writeFileSync('/proc/sys/vm/drop_caches', '3');
    return true;
  } catch {
    return false;
  }
}
