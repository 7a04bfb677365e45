import { whenMemoryIsFree, type StatementBounds } from '@tidemark/warehouse';
import type { AskContext } from './ask-context.ts';
import type { Asking } from './asking.ts';
import { SavedCohorts } from '../cohorts/saved-cohorts.ts';
import { completenessOf } from './completeness.ts';
import { withDefinitions } from './definitions.ts';
import { withReached, type Reach, type Reached } from './reach.ts';
import { BY_KEY, type Naming } from '../identity/naming.ts';
import { judgePatterns } from '../events/patterns.ts';
import { QuestionError } from '../question/problem.ts';
import { plainIdentity } from '../identity/project-identity.ts';
import { timeRange, type TimeRange } from '../time/range.ts';
import { RollupUse } from '../rollups/rollup-use.ts';
import type { Meta } from '../question/schema.ts';
import { asProblem, largestField } from './to-blame.ts';
import { waitFor } from './wait-for.ts';
import { formatTime } from '../time/zone.ts';

/** A statement of ClickHouse ends at 256 KB (max_query_size). */
const MAX_STATEMENT_BYTES = 250_000;
export interface Begun {
  asking: Asking;
  /** Of what was asked so far. */
  meta: () => Promise<Meta>;
  /** Writes the rows of a SELECT into a table, named as in `cohort_members (project, members, node)`. Bounded as a question is. */
  insert(into: string, select: string): Promise<void>;
}

/** Of which event times the answer to a question is made that has this range. Absent = of the range. */
type ReachOf = (question: never, range: TimeRange) => Reach;

/** What a kind needs to answer a question that has its shape. Waits where the question says so. Throws as `ask` does. */
export async function begin(question: Record<string, never>, context: AskContext, { naming = BY_KEY, reachOf }: { naming?: Naming; reachOf?: ReachOf | undefined } = {}): Promise<Begun> {
  const startedMs = context.clock();
  const range = timeRange(question, startedMs);
  if (question['waitFor'] !== undefined) await waitFor(question['waitFor'], context);
  const status = { ...context.freshness.status() };
  const reached: Reached[] = [];
  const reaches = (span: Reached): void => void reached.push(span);
  const identity = (await context.identities?.of(context.project)) ?? plainIdentity(context.project);
  const cohorts = new SavedCohorts({ project: context.project, identity, nowMs: startedMs, reaches }, context.cohort);
  await cohorts.check(question);
  const statements: string[] = [];
  let rowsRead = 0;
  const whole = async (about: string): Promise<string> => {
    const sql = await withDefinitions(about, { identity, query, reaches, cohortIds: (name) => cohorts.ids(name) });
    if (Buffer.byteLength(sql) > MAX_STATEMENT_BYTES) {
      throw new QuestionError({ code: 'question_too_large', field: largestField(question), rule: `at most ${MAX_STATEMENT_BYTES} bytes of SQL`, detail: 'The question is too large; shorten its lists of values.' });
    }
    statements.push(sql);
    return sql;
  };
  const { maxMemoryBytes, timeoutMs } = context;
  const begunAt = performance.now();
  /** All statements of a question have its time together. */
  const bounds = (): StatementBounds => ({
    ...(maxMemoryBytes !== undefined && { maxMemoryBytes }),
    ...(timeoutMs !== undefined && { timeoutMs: Math.max(1, timeoutMs - (performance.now() - begunAt)) }),
  });
  const query = async <Row>(about: string): Promise<Row[]> => {
    const sql = await whole(about);
    try {
      const answer = await whenMemoryIsFree(() => context.warehouse.query<Row>(sql, bounds()));
      rowsRead += answer.rowsRead;
      return answer.rows;
    } catch (error) {
      throw asProblem(error, question);
    }
  };
  const insert = async (into: string, select: string): Promise<void> => {
    const sql = `INSERT INTO ${into} ${await whole(select)}`;
    try {
      await context.warehouse.command(sql, bounds());
    } catch (error) {
      throw asProblem(error, question);
    }
  };
  const ran = (sql: string, rows: number): void => {
    statements.push(sql);
    rowsRead += rows;
  };
  await judgePatterns(question, context.warehouse).catch((error: unknown) => {
    throw asProblem(error, question);
  });
  const rollups = new RollupUse(context.project, query);
  const meta = async (): Promise<Meta> => metaWithin(withReached(reachOf?.(question as never, range) ?? { ...range, aheadMs: 0 }, reached));
  const metaWithin = async (reach: Reach): Promise<Meta> => ({
    ...completenessOf(status, { ...reach, fromMs: Math.max(range.fromMs, reach.fromMs) }),
    approximate: reach.fromMs < (await rollups.frozenMs()),
    rollups: rollups.told,
    from: formatTime(range.zone, range.fromMs),
    to: formatTime(range.zone, range.toMs),
    timezone: range.zone.name,
    rowsRead,
    elapsedMs: context.clock() - startedMs,
    sql: statements.join(';\n'),
  });
  return { asking: { project: context.project, identity, naming, range, nowMs: startedMs, reaches, rollups, channels: async () => (await context.channels?.(context.project)) ?? [], query, peopleOfCohort: async (name) => whole(`SELECT DISTINCT substring(person, 2) AS person_id FROM (${await cohorts.people(name)})`), sql: context.sql, signal: context.signal, ran }, meta, insert };
}
