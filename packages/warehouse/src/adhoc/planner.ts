/** Judges a query in an engine that holds nothing, and makes the views that it may name: empty ones to judge it by, then those over the files. */
import type { Session as ChdbSession } from 'chdb';
import { literal, timeLiteral } from '../literal.ts';
import { engineError } from './engine-error.ts';
import { withoutCombinators } from './functions.ts';
import { functionsIn, judgeResolved, judgeSyntax, notAllowed, type Reads } from './judge.ts';
import type { AdhocOrder } from './order.ts';
import { AdhocRefusal } from './refusal.ts';

/** Rows of a lake's file that one granule of the estimate stands for. */
const ROWS_A_GRANULE = 10_000;
const PLANNED = 'planned';
const ESTIMATED = 'ENGINE = MergeTree ORDER BY tuple() SETTINGS index_granularity = 2, add_minmax_index_for_temporal_columns = 1';


export interface Judged {
  /** The one statement that the parser found: without comments and with nothing behind it. */
  canonical: string;
  reads: Reads;
  estimatedRows: number;
}

export class Planner {
  readonly #session: ChdbSession;
  readonly #order: Pick<AdhocOrder, 'tables' | 'views' | 'estimated' | 'bounds'>;

  constructor(session: ChdbSession, order: Pick<AdhocOrder, 'tables' | 'views' | 'estimated' | 'bounds'>) {
    this.#session = session;
    this.#order = order;
  }

  /** To be called before `judge`. */
  async prepare(): Promise<void> {
    const { bounds, estimated } = this.#order;
    await this.do(`SET max_threads = 1, max_query_size = 4000000, session_timezone = 'UTC', max_memory_usage = ${bounds.memoryBytes}, max_execution_time = ${bounds.timeoutMs / 1000}`);
    await this.define(PLANNED, (name) => (name === estimated.table ? ESTIMATED : 'ENGINE = Memory'));
    await this.#fillEstimate();
  }

  /** Throws an AdhocRefusal, or what the engine throws at an illegal query. */
  async judge(query: string): Promise<Judged> {
    const { bounds, views } = this.#order;
    // The text is a value here. Every statement below is made of what comes back.
    const parsed = await this.lines(`SELECT formatQuerySingleLine(${literal(query)})`).catch((error: unknown) => {
      throw /Multi-statements are not allowed/.test(engineError(error).message) ? notAllowed(';', 'There are two statements') : error;
    });
    const canonical = parsed.join('\n');
    const asSelect = `EXPLAIN AST SELECT * FROM (${canonical})`;
    const tree = await this.lines(asSelect).catch((error: unknown) => {
      throw noSelect(canonical, asSelect, error);
    });
    const aliases = await this.#canonicalNames(functionsIn(tree));
    judgeSyntax(tree, (name) => aliases.get(name) ?? name);
    const reads = judgeResolved(await this.lines(`EXPLAIN QUERY TREE ${canonical}`), PLANNED, (name) => views.some((view) => view.name === name));
    const estimatedRows = await this.#estimate(canonical);
    if (estimatedRows > bounds.rowsToRead) {
      throw new AdhocRefusal('sql_reads_too_much', `The query would read about ${estimatedRows} rows, and ${bounds.rowsToRead} are allowed: ask for a shorter time with {from} and {to}.`, estimatedRows);
    }
    return { canonical, reads, estimatedRows };
  }

  /** Makes the tables and the views in a database, which is then the current one. */
  async define(database: string, engine: (table: string) => string, persons = true): Promise<void> {
    await this.do(`CREATE DATABASE ${database}_tables`);
    await this.do(`CREATE DATABASE ${database}`);
    await this.do(`USE ${database}_tables`);
    for (const { name, columns } of this.#order.tables) {
      await this.do(`CREATE TABLE ${name} (${columns}) ${engine(name)}`);
    }
    for (const { name, select, selectWithoutPersons } of this.#order.views) {
      await this.do(`CREATE VIEW ${database}.${name} AS ${persons ? select : (selectWithoutPersons ?? select)}`);
    }
    await this.do(`USE ${database}`);
  }

  /** The table that is estimated holds a granule for each so many rows, with their first and their last time. */
  async #fillEstimate(): Promise<void> {
    const { table, extents } = this.#order.estimated;
    const granules = extents.map(({ fromMs, toMs, rows }) => `(${timeLiteral(fromMs)}, ${timeLiteral(toMs)}, ${Math.ceil(rows / ROWS_A_GRANULE)})`);
    for (let at = 0; at < granules.length; at += 10_000) {
      await this.do(`INSERT INTO ${PLANNED}_tables.${table} (time) SELECT arrayJoin([extent.1, extent.2]) FROM (SELECT arrayJoin([${granules.slice(at, at + 10_000).join(', ')}]) AS extent, arrayJoin(range(toUInt64(extent.3))))`);
    }
  }

  async #estimate(canonical: string): Promise<number> {
    const text = await this.lines(`EXPLAIN ESTIMATE ${canonical}`, 'JSONEachRow');
    const marks = text.map((line) => Number((JSON.parse(line) as { marks: string | number }).marks));
    return marks.reduce((sum, each) => sum + each, 0) * ROWS_A_GRANULE;
  }

  /** What the engine calls the functions that are written otherwise: `COUNT`, `lcase`. */
  async #canonicalNames(names: readonly string[]): Promise<Map<string, string>> {
    const wanted = new Map(names.flatMap((name) => withoutCombinators(name).map((base) => [base.toLowerCase(), base] as const)));
    const rows = await this.lines(
      `SELECT name, alias_to, case_insensitive FROM system.functions WHERE lower(name) IN (${['', ...wanted.keys()].map((name) => literal(name)).join(', ')})`,
      'JSONEachRow',
    );
    const known = rows.map((row) => JSON.parse(row) as { name: string; alias_to: string; case_insensitive: number });
    const found = new Map<string, string>();
    for (const name of names) {
      for (const base of withoutCombinators(name)) {
        const same = known.find((each) => each.name === base || (Number(each.case_insensitive) === 1 && each.name.toLowerCase() === base.toLowerCase()));
        if (same !== undefined) {
          found.set(name, (same.alias_to === '' ? same.name : same.alias_to) + name.slice(base.length));
          break;
        }
      }
    }
    return found;
  }

  async do(sql: string): Promise<void> {
    await this.#session.queryAsync(sql);
  }

  /** The lines of an answer, without empty ones. */
  async lines(sql: string, format = 'TSVRaw'): Promise<string[]> {
    const result = await this.#session.queryAsync(sql, { format });
    return result.text().replace(/\n$/, '').split('\n').filter((line) => line !== '');
  }
}


/**
 * A statement that the parser takes by itself and not as a SELECT in parentheses is none, or has something behind it. The
 * parser says where it stopped: behind the word that is at fault.
 */
function noSelect(canonical: string, statement: string, error: unknown): AdhocRefusal {
  const [first = ''] = /^\w*/.exec(canonical) ?? [];
  if (first !== '' && !['SELECT', 'WITH', 'FROM'].includes(first)) return notAllowed(first, `The statement is no SELECT but ${first}`);
  const [, position = '0', found = ''] = /failed at position (\d+) \(([^)]*)\)/.exec(engineError(error).message) ?? [];
  const before = /\w+(?=\W*$)/.exec(Buffer.from(statement).subarray(0, Number(position) - 1).toString())?.[0] ?? found;
  const name = before === 'INTO' ? `${before} ${found}` : before;
  return notAllowed(name, `The statement is no bare SELECT (${name})`);
}
