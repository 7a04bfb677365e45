/** SQL queries of two projects that never end, as many as a server runs at once: what R8sql has run beside the dashboard's questions. */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { parseStat, TICKS_PER_SECOND } from '../resources/proc.ts';
import { Api } from '../server/api.ts';
import { generate } from '../server/generate.ts';
import type { Server } from '../server/server.ts';
import { caughtUp, expectCounted } from './under-ingest.ts';

/** As many as one project may have at once (DEFAULTS in packages/warehouse/src/adhoc/adhoc-queries.ts); of two projects all that the server runs. */
const A_PROJECT = 2;
export const ENDLESS = 2 * A_PROJECT;
const JOIN = 'SELECT count() FROM events AS a CROSS JOIN events AS b WHERE cityHash64(a.event_id, b.event_id) % 7 = 3';
/** Their pairs take minutes. */
const EVENTS_OF_OTHER = 100_000;
/** Of each: what its start, its judge and what it rehearsed take together is a third of that. */
const AT_WORK_SECONDS = 1.5;
const AT_WORK_WITHIN_MS = 60_000;
const KEY_WITHIN_MS = 30_000;

/** For a server whose queries are to last: by default they are ended after 30 s. */
export const WITHOUT_END = { TIDEMARK_SQL_TIMEOUT_SECONDS: '600' };

/** Makes another project with events of its own, all of which a question counts; resolves to how it is asked. */
export async function otherProject(server: Server): Promise<Api> {
  const sinceMs = Date.now() - 60_000;
  const { key, token } = await server.api.ask<{ key: { key: string }; token: { secret: string } }>('/api/projects', { name: 'beside' });
  await keyIsKnown(server.port, key.key);
  const { accepted } = await generate(server.port, { seconds: 60, events: EVENTS_OF_OTHER, writeKey: key.key });
  await caughtUp(server.api);
  const other = new Api(server.port, token.secret);
  await expectCounted(other, sinceMs, accepted);
  return other;
}

/** Resolves when the collector has read the new key: it looks every second. */
async function keyIsKnown(port: number, writeKey: string): Promise<void> {
  const known = async (): Promise<boolean> => {
    const response = await fetch(`http://127.0.0.1:${port}/api/events/batch`, { method: 'POST', headers: { authorization: `Bearer ${writeKey}` }, body: '{"events":[]}' });
    await response.arrayBuffer();
    return response.status !== 401;
  };
  for (const until = Date.now() + KEY_WITHIN_MS; !(await known()); await delay(50)) {
    if (Date.now() > until) throw new Error(`the collector does not know a new write key after ${KEY_WITHIN_MS / 1000} s`);
  }
}

/** Has all queries run while `work` is done. Throws when one of them has ended before. */
export async function besideEndlessSql<Result>(server: Server, other: Api, work: () => Promise<Result>): Promise<Result> {
  const range = { from: '2000-01-01', to: 'now' };
  const running = [server.api, other].flatMap((api) =>
    Array.from({ length: A_PROJECT }, (_, at) => {
      const queryId = `endless-${at}`;
      const query = { api, queryId, ended: undefined as string | undefined };
      const end = api.ask('/api/analytics/sql', { query: JOIN, queryId, ...range }).then(() => 'an answer', (error: unknown) => String(error)).then((how) => void (query.ended = how));
      return { query, end };
    }),
  );
  const early = (): void => {
    const found = running.find(({ query }) => query.ended !== undefined);
    if (found !== undefined) throw new Error(`an SQL query that was to run meanwhile has ended with ${found.query.ended}`);
  };
  for (const until = Date.now() + AT_WORK_WITHIN_MS; queriesAtWork(server) < ENDLESS; await delay(100)) {
    early();
    if (Date.now() > until) throw new Error(`of ${ENDLESS} SQL queries ${queriesAtWork(server)} are at work after ${AT_WORK_WITHIN_MS / 1000} s`);
  }
  const result = await work();
  early();
  for (const { query, end } of running) {
    await query.api.ask(`/api/analytics/sql/${query.queryId}`, {}, 'DELETE');
    await end;
  }
  return result;
}

/** Processes of queries that have used more CPU than until they run. */
function queriesAtWork(server: Server): number {
  return server.processes().filter(({ pid, role }) => role === 'sql' && secondsOf(pid) >= AT_WORK_SECONDS).length;
}

function secondsOf(pid: number): number {
  try {
    const { user, system } = parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    return (user + system) / TICKS_PER_SECOND;
  } catch {
    // It has ended since it was listed.
    return 0;
  }
}
