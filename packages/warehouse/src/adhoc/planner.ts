/** Judges a query in an engine that holds nothing, and makes the views that it names: empty ones to judge it by, then those over the files. */
import { join } from 'node:path';
import { literal, timeLiteral } from '../literal.ts';
import { engineError } from './engine-error.ts';
import { functionsIn, judgeResolved, judgeSyntax, namesTable, notAllowed, type Reads } from './judge.ts';
import type { AdhocOrder, AdhocTable } from './order.ts';
import type { QueryEngine } from './query-engine.ts';
import { AdhocRefusal } from './refusal.ts';

/** Rows of a lake's file that one granule of the estimate stands for. */
const ROWS_A_GRANULE = 10_000;
/** Databases. */
const VIEWS = 'planned';
const TABLES = 'planned_tables';
const ESTIMATED = 'ENGINE = MergeTree ORDER BY tuple() SETTINGS index_granularity = 2, add_minmax_index_for_temporal_columns = 1';

export interface Judged {
  /** The one statement that the parser found: without comments and with nothing behind it. */
  canonical: string;
  reads: Reads;
  /** Absent where it is not worth the time: whatever the query asks of them, there are too few. */
  estimatedRows?: number;
}

export type PlannedOrder = Pick<AdhocOrder, 'tables' | 'views' | 'estimated' | 'bounds' | 'explain'>;

export class Planner {
  readonly #engine: QueryEngine;
  readonly #order: PlannedOrder;
  readonly #defined = new Set<string>();
  #isFilled = false;

  constructor(engine: QueryEngine, order: PlannedOrder) {
    this.#engine = engine;
    this.#order = order;
  }

  /** To be called before `judge`. */
  async prepare(): Promise<void> {
    const { bounds } = this.#order;
    await this.#engine.do(`SET max_memory_usage = ${bounds.memoryBytes}, max_execution_time = ${bounds.timeoutMs / 1000}`);
    // In memory: files of definitions would be synced one by one.
    for (const database of [VIEWS, TABLES]) await this.#engine.do(`CREATE DATABASE ${database} ENGINE = Memory`);
    await this.#engine.do(`USE ${VIEWS}`);
  }

  /** Throws an AdhocRefusal, or what the engine throws at an illegal query. */
  async judge(query: string): Promise<Judged> {
    const { views } = this.#order;
    // The text is a value here. Every statement below is made of what comes back.
    const parsed = await this.#engine.lines(`SELECT formatQuerySingleLine(${literal(query)})`).catch((error: unknown) => {
      throw /Multi-statements are not allowed/.test(engineError(error).message) ? notAllowed(';', 'There are two statements') : error;
    });
    const canonical = parsed.join('\n');
    const asSelect = `EXPLAIN AST SELECT * FROM (${canonical})`;
    const tree = await this.#engine.lines(asSelect).catch((error: unknown) => {
      throw noSelect(canonical, asSelect, error);
    });
    const aliases = this.#engine.functions.canonical(functionsIn(tree));
    judgeSyntax(tree, (name) => aliases.get(name) ?? name);
    await this.#defineNamed(tree);
    const reads = judgeResolved(await this.#engine.lines(`EXPLAIN QUERY TREE ${canonical}`), VIEWS, (name) => views.some((view) => view.name === name));
    return { canonical, reads, ...(await this.#estimated(canonical, tree)) };
  }

  /** Throws an AdhocRefusal when it is more than may be. */
  async #estimated(canonical: string, tree: readonly string[]): Promise<Pick<Judged, 'estimatedRows'>> {
    const { rowsToRead } = this.#order.bounds;
    if (!this.#order.explain && this.#mostRows(tree) <= rowsToRead) return {};
    await this.#fillEstimate();
    const estimatedRows = await this.#estimate(canonical);
    if (estimatedRows <= rowsToRead) return { estimatedRows };
    throw new AdhocRefusal('sql_reads_too_much', `The query would read about ${estimatedRows} rows, and ${rowsToRead} are allowed: ask for a shorter time with {from} and {to}.`, estimatedRows);
  }

  /** As if each view that is named read all there is, as often as its SELECT says. Common table expressions may be read any number of times. */
  #mostRows(tree: readonly string[]): number {
    if (tree.some((line) => /^ *WithElement\b/.test(line))) return Infinity;
    const { views, estimated } = this.#order;
    const all = estimated.extents.reduce((sum, { rows }) => sum + Math.ceil(rows / ROWS_A_GRANULE) * ROWS_A_GRANULE, 0);
    const readings = views.map(({ name, select }) => (select.split(estimated.table).length - 1) * tree.filter((line) => namesTable(line, name)).length);
    return all * readings.reduce((sum, each) => sum + each, 0);
  }

  /** Makes the empty views that the tree names, and no others: `sessions` alone takes 40 ms of CPU. */
  async #defineNamed(tree: readonly string[]): Promise<void> {
    const { tables, views, estimated } = this.#order;
    const named = views.filter(({ name }) => !this.#defined.has(`view ${name}`) && tree.some((line) => namesTable(line, name)));
    const reads = new Set(named.flatMap((view) => view.reads));
    for (const { name, columns } of tables) {
      if (!reads.has(name) || this.#defined.has(`table ${name}`)) continue;
      await this.#engine.do(`CREATE TABLE ${TABLES}.${name} (${columns}) ${name === estimated.table ? ESTIMATED : 'ENGINE = Memory'}`);
      this.#defined.add(`table ${name}`);
    }
    for (const { name, select } of named) {
      await this.#createView(name, select);
      this.#defined.add(`view ${name}`);
    }
  }

  /** Makes room for the files of what is read: the empty tables are gone. To be called before `overFiles`; nothing is judged afterwards. */
  async clear({ views: names, persons }: Reads): Promise<void> {
    const { views } = this.#order;
    const read = views.filter(({ name }) => names.has(name));
    // While the tables are still empty: the engine would look into every file.
    for (const { name, selectWithoutPersons } of read) {
      if (persons || selectWithoutPersons === undefined) continue;
      await this.#engine.do(`DROP VIEW ${VIEWS}.${name}`);
      await this.#createView(name, selectWithoutPersons);
    }
    for (const { name } of this.#tablesOf(names)) await this.#engine.do(`DROP TABLE ${TABLES}.${name}`);
  }

  /** Puts the files that lie in folders of the tables' names into the place of the tables. */
  async overFiles(folder: string, { views }: Reads): Promise<void> {
    const { estimated } = this.#order;
    for (const { name, columns } of this.#tablesOf(views)) {
      await this.#engine.do(`CREATE TABLE ${TABLES}.${name} (${columns}) ENGINE = ${name === estimated.table ? fileEngine('Parquet', folder, name) : fileEngine('Native', folder, name)}`);
    }
  }

  /** Which the views of these names read. */
  #tablesOf(names: ReadonlySet<string>): readonly AdhocTable[] {
    const { tables, views } = this.#order;
    const needed = new Set(views.filter(({ name }) => names.has(name)).flatMap(({ reads }) => reads));
    return tables.filter(({ name }) => needed.has(name));
  }

  /** As if it had judged nothing. */
  async forget(): Promise<void> {
    this.#defined.clear();
    this.#isFilled = false;
    await this.#engine.do('USE default');
    for (const database of [VIEWS, TABLES]) await this.#engine.do(`DROP DATABASE ${database}`);
  }

  async #createView(name: string, select: string): Promise<void> {
    // What it reads without a database's name is read of the current one.
    await this.#engine.do(`USE ${TABLES}`);
    await this.#engine.do(`CREATE VIEW ${VIEWS}.${name} AS ${select}`);
    await this.#engine.do(`USE ${VIEWS}`);
  }

  /** The table that is estimated holds a granule for each so many rows, with their first and their last time. */
  async #fillEstimate(): Promise<void> {
    const { table, extents } = this.#order.estimated;
    if (!this.#defined.has(`table ${table}`) || this.#isFilled) return;
    this.#isFilled = true;
    const granules = extents.map(({ fromMs, toMs, rows }) => `(${timeLiteral(fromMs)}, ${timeLiteral(toMs)}, ${Math.ceil(rows / ROWS_A_GRANULE)})`);
    for (let at = 0; at < granules.length; at += 10_000) {
      await this.#engine.do(`INSERT INTO ${TABLES}.${table} (time) SELECT arrayJoin([extent.1, extent.2]) FROM (SELECT arrayJoin([${granules.slice(at, at + 10_000).join(', ')}]) AS extent, arrayJoin(range(toUInt64(extent.3))))`);
    }
  }

  async #estimate(canonical: string): Promise<number> {
    const text = await this.#engine.lines(`EXPLAIN ESTIMATE ${canonical}`, 'JSONEachRow');
    const marks = text.map((line) => Number((JSON.parse(line) as { marks: string | number }).marks));
    return marks.reduce((sum, each) => sum + each, 0) * ROWS_A_GRANULE;
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

function fileEngine(format: 'Parquet' | 'Native', folder: string, table: string): string {
  return `File(${format}, ${literal(join(folder, table, `*.${format.toLowerCase()}`))})`;
}
