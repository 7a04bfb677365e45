import { WarehouseError, type AdhocQueries, type Warehouse } from '@tidemark/warehouse';
import type { TObject, TSchema } from 'typebox';
import type { ChannelRule } from './channels.ts';
import { SavedCohorts, type CohortLookup } from './cohorts/saved-cohorts.ts';
import { attribution } from './kinds/attribution.ts';
import { cohort } from './kinds/cohort.ts';
import { experiment } from './kinds/experiment.ts';
import { funnel } from './kinds/funnel.ts';
import { retention } from './kinds/retention.ts';
import { sessions } from './kinds/sessions.ts';
import { sql } from './kinds/sql.ts';
import { trend } from './kinds/trend.ts';
import { withDefinitions } from './definitions.ts';
import { plainIdentity, type ProjectIdentity } from './project-identity.ts';
import { isNoPattern, judgePatterns, noPattern } from './patterns.ts';
import { QuestionError } from './problem.ts';
import { readTime, timeRange, zoneOf, type TimeRange } from './range.ts';
import { RollupUse } from './rollups/rollup-use.ts';
import type { Meta } from './schema.ts';
import { validate } from './validate.ts';
import { formatTime } from './zone.ts';

/** How far the stores have come; a running processor tells (times in epoch ms). */
export interface Freshness {
  status(): { asOfMs: number; watermarkMs: number };
  /** True once all that was durable at the call is in the stores, false after `timeoutMs`. */
  caughtUp(timeoutMs: number): Promise<boolean>;
}

/** What aliases and people's decisions say about who is who. */
export interface Identities {
  /** As of what is stored and decided at the call. Throws WarehouseError. */
  of(project: string): Promise<ProjectIdentity>;
}

export interface AskContext {
  project: string;
  warehouse: Warehouse;
  /** Now, in epoch ms. */
  clock: () => number;
  freshness: Freshness;
  /** Aliases and decisions about identity; absent = there are none. */
  identities?: Identities;
  /** A project's own channel rules; absent = there are none. */
  channels?: (project: string) => Promise<readonly ChannelRule[]>;
  /** Finds saved cohorts; absent = there are none. */
  cohort?: CohortLookup;
  /** Bounds of one statement; absent = the warehouse's own. */
  maxMemoryBytes?: number;
  timeoutMs?: number;
  /** Runs queries of kind sql; absent = nothing does. */
  sql?: Pick<AdhocQueries, 'ask' | 'estimate' | 'file'>;
  /** Aborted when nobody waits for the answer any more. */
  signal?: AbortSignal;
}

/** What a kind may use while it answers. */
export interface Asking {
  project: string;
  /** For `joinIdentity()`. */
  identity: ProjectIdentity;
  range: TimeRange;
  /** When it was asked, epoch ms: what begins later is not over. */
  nowMs: number;
  rollups: RollupUse;
  /** The project's own channel rules. */
  channels(): Promise<readonly ChannelRule[]>;
  /** Runs one SELECT; it is shown in the answer's `meta.sql`. */
  query<Row>(sql: string): Promise<Row[]>;
  /** Runs a SELECT that somebody wrote; what was run is to be told by `ran`. */
  sql: AskContext['sql'];
  signal: AbortSignal | undefined;
  ran(sql: string, rowsRead: number): void;
}

/** One kind of question: one file each in `kinds/`, one line each in KINDS. */
export interface Kind {
  name: string;
  /** What it is for, in one sentence. */
  summary: string;
  question: TSchema;
  /** Shape of the answer without `meta`. */
  answer: TSchema;
  answerTo(question: never, asking: Asking): Promise<object>;
  /** Absent: no number of the answer has people behind it. */
  people?: PeopleBehind;
}

/** The people behind a number of an answer (rules K1 to K7); people.ts makes pages of them. */
export interface PeopleBehind {
  /** Names a number of the answer. */
  cell: TObject;
  /**
   * SELECT of `person`, the keys (PERSON_SQL) of the cell's people, each once. Throws a QuestionError that names the field of
   * `cell` by which the answer has no such number.
   */
  peopleOf(question: never, cell: never, asking: Asking): Promise<string>;
}

export const KINDS: readonly Kind[] = [trend, funnel, sessions, retention, attribution, cohort, experiment, sql];

/** A statement of ClickHouse ends at 256 KB (max_query_size). */
const MAX_STATEMENT_BYTES = 250_000;
const WAIT_MS = 10_000;

/**
 * Answers a question of a kind ('trend', 'funnel', …) with its answer and `meta`. Throws QuestionError for what is wrong
 * with the question, WarehouseError for what is wrong with the warehouse.
 */
export async function ask(kindName: string, body: unknown, context: AskContext): Promise<object & { meta: Meta }> {
  const kind = kindOf(kindName);
  const question = validate(kind.question, body) as Record<string, never>;
  const { asking, meta } = await begin(question, context);
  const answer = await kind.answerTo(question as never, asking);
  return { ...answer, meta: meta() };
}

/** Throws a QuestionError when there is none of this name. */
export function kindOf(kindName: string): Kind {
  const kind = KINDS.find(({ name }) => name === kindName);
  if (kind !== undefined) return kind;
  const names = KINDS.map(({ name }) => name).join(', ');
  throw new QuestionError({ code: 'unknown_kind', field: 'kind', value: kindName, rule: names, detail: `There is no such kind of question; there are ${names}.` });
}

/**
 * What a kind needs to answer a question that has its shape, and `meta` of what was asked so far. Waits where the question
 * says so. Throws as `ask` does.
 */
export async function begin(question: Record<string, never>, context: AskContext): Promise<{ asking: Asking; meta: () => Meta }> {
  const startedMs = context.clock();
  const range = timeRange(question, startedMs);
  if (question['waitFor'] !== undefined) await waitFor(question['waitFor'], context);
  // Read before the first statement: what has become visible since may be in the answer, never the other way round.
  const { asOfMs, watermarkMs } = context.freshness.status();
  const identity = (await context.identities?.of(context.project)) ?? plainIdentity(context.project);
  const cohorts = new SavedCohorts({ project: context.project, identity, nowMs: startedMs }, context.cohort);
  await cohorts.check(question);
  const statements: string[] = [];
  let rowsRead = 0;
  const query = async <Row>(about: string): Promise<Row[]> => {
    const sql = await withDefinitions(about, { identity, query, cohortIds: (name) => cohorts.ids(name) });
    if (Buffer.byteLength(sql) > MAX_STATEMENT_BYTES) {
      throw new QuestionError({ code: 'question_too_large', field: '', rule: `at most ${MAX_STATEMENT_BYTES} bytes of SQL`, detail: 'The question is too large; shorten its lists of values.' });
    }
    statements.push(sql);
    const { maxMemoryBytes, timeoutMs } = context;
    try {
      const answer = await context.warehouse.query<Row>(sql, { ...(maxMemoryBytes !== undefined && { maxMemoryBytes }), ...(timeoutMs !== undefined && { timeoutMs }) });
      rowsRead += answer.rowsRead;
      return answer.rows;
    } catch (error) {
      throw asProblem(error);
    }
  };
  const ran = (sql: string, rows: number): void => {
    statements.push(sql);
    rowsRead += rows;
  };
  await judgePatterns(question, context.warehouse).catch((error: unknown) => {
    throw asProblem(error);
  });
  const rollups = new RollupUse(context.project, query);
  const meta = (): Meta => ({
    asOf: iso(asOfMs),
    completeThrough: iso(watermarkMs),
    provisionalFrom: watermarkMs < range.toMs ? iso(Math.max(range.fromMs, watermarkMs)) : null,
    approximate: rollups.told.frozen > 0,
    rollups: rollups.told,
    from: formatTime(range.zone, range.fromMs),
    to: formatTime(range.zone, range.toMs),
    timezone: range.zone.name,
    rowsRead,
    elapsedMs: context.clock() - startedMs,
    sql: statements.join(';\n'),
  });
  return { asking: { project: context.project, identity, range, nowMs: startedMs, rollups, channels: async () => (await context.channels?.(context.project)) ?? [], query, sql: context.sql, signal: context.signal, ran }, meta };
}

/** Waits until everything received up to a time is in, 10 s at most; the answer's `asOf` tells how far it came. */
async function waitFor(value: string | number, { clock, freshness }: AskContext): Promise<void> {
  const untilMs = typeof value === 'number' ? value : readTime(value, 'waitFor', zoneOf('UTC'), clock());
  const deadlineMs = clock() + WAIT_MS;
  while (freshness.status().asOfMs < untilMs && clock() < deadlineMs) {
    await freshness.caughtUp(deadlineMs - clock());
    if (freshness.status().asOfMs >= untilMs) return;
    // Caught up, but the time asked for lies ahead of the log's clock.
    await new Promise((resume) => setTimeout(resume, 5));
  }
}

/** ClickHouse's errors that the question is to blame for. */
function asProblem(error: unknown): unknown {
  if (isNoPattern(error)) return noPattern();
  if (!(error instanceof WarehouseError)) return error;
  // 241 MEMORY_LIMIT_EXCEEDED, 159 TIMEOUT_EXCEEDED
  if (error.number === 241 || error.number === 159) {
    const what = error.number === 241 ? 'memory' : 'time';
    return new QuestionError({ code: 'question_too_expensive', field: '', rule: `within the ${what} that a question may take`, detail: `The question took more ${what} than one may; ask for a shorter range or fewer groups.` });
  }
  // 395 FUNCTION_THROW_IF_VALUE_IS_NON_ZERO: by this, statements refuse persons with more events than can be put in order.
  if (error.number === 395) {
    return new QuestionError({ code: 'question_too_expensive', field: '', rule: 'so many events of one person as can be put in order', detail: 'One person has too many events for this question; ask for a shorter range, or leave this person out.' });
  }
  return error;
}

function iso(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
