/**
 * What a SELECT is made of, judged by what the engine's own parser and planner say of it, never by its text.
 *
 * The parser's tree (`EXPLAIN AST`) shows each node on a line of its own: a text or a quoted name may bring line breaks and so
 * lines that are none, but never take one away. So a line that is not known is refused, and a strange name may be refused for
 * what it looks like. What the parser's tree doesn't tell (which table a name means) the planner's does (`EXPLAIN QUERY TREE`).
 */
import { isAllowedFunction } from './functions.ts';
import { AdhocRefusal } from './refusal.ts';

/** Nodes of a SELECT that name nothing which the lines below them don't show. */
const PLAIN_NODES = new Set([
  'SelectWithUnionQuery', 'SelectIntersectExceptQuery', 'SelectQuery', 'ExpressionList', 'Subquery', 'Literal', 'Identifier', 'Asterisk', 'QualifiedAsterisk',
  'TablesInSelectQuery', 'TablesInSelectQueryElement', 'TableExpression', 'TableJoin', 'ArrayJoin', 'OrderByElement', 'InterpolateElement',
  'WithElement', 'WindowDefinition', 'WindowListElement', 'StorageOrderByElement', 'ColumnsTransformerList', 'ColumnsExceptTransformer',
  'ColumnsReplaceTransformer', 'ColumnsReplaceTransformer::Replacement', 'ColumnsRegexpMatcher', 'QualifiedColumnsRegexpMatcher', 'ColumnsListMatcher', 'QualifiedColumnsListMatcher',
]);
/** What the planner reads where there is no FROM. */
const NO_TABLE = 'system.one';
/** What a node is called by who writes one. */
const NAMES: Readonly<Record<string, string>> = { Set: 'SETTINGS', ColumnsApplyTransformer: 'APPLY', SampleRatio: 'SAMPLE', QueryParameter: 'a query parameter' };

/**
 * `lines`: EXPLAIN AST of the SELECT. `canonical` gives the engine's name of a function. Throws an AdhocRefusal.
 */
export function judgeSyntax(lines: readonly string[], canonical: (name: string) => string): void {
  for (const [i, line] of lines.entries()) {
    const [, indent = '', node = '', rest = ''] = /^( *)(\S+) ?(.*)$/.exec(line) ?? [];
    if (node === 'Function') {
      const name = firstWord(rest);
      if (/^ *TableExpression\b/.test(lines[i - 1] ?? '') && indent.length === indentOf(lines[i - 1]) + 1) throw notAllowed(name, `${name} is a table function`);
      if (!isAllowedFunction(canonical(name))) throw notAllowed(name, `The function ${name} is not on the list`);
    } else if (node === 'TableIdentifier') {
      const name = withoutTail(rest);
      if (name.includes('.')) throw notAllowed(name, `${name} is none of the views`);
    } else if (node === 'Identifier' && withoutTail(rest) === NO_TABLE) {
      throw notAllowed(NO_TABLE, `${NO_TABLE} is none of the views`);
    } else if (!PLAIN_NODES.has(node)) {
      const name = NAMES[node] ?? (node === '' ? line : node);
      throw notAllowed(name, `${name} is not allowed`);
    }
  }
}

/** Whether a line of the tree may mean the table: `x IN name` shows no more than an identifier. */
export function namesTable(line: string, name: string): boolean {
  const [, rest = ''] = /^ *(?:Table)?Identifier (?:\S+\.)?(.*)$/.exec(line) ?? [];
  return rest === name || rest.startsWith(`${name} `);
}

/** Names of functions that the tree shows. */
export function functionsIn(lines: readonly string[]): string[] {
  return [...new Set(lines.flatMap((line) => /^ *Function (\S+)/.exec(line)?.[1] ?? []))];
}

/** What a SELECT reads of the views. */
export interface Reads {
  views: Set<string>;
  /** It reads the column `person_id` of one of them. */
  persons: boolean;
}

/** `lines`: EXPLAIN QUERY TREE of the SELECT, in the database `database` of the views. Throws an AdhocRefusal. */
export function judgeResolved(lines: readonly string[], database: string, isView: (name: string) => boolean): Reads {
  const reads: Reads = { views: new Set(), persons: false };
  for (const line of lines) {
    const [, node = '', rest = ''] = /^ *([A-Z_]+) id: \d+, (.*)$/.exec(line) ?? [];
    if (node === 'TABLE') {
      // Aliases are the planner's own by now, so the name stands there once.
      const [, full = rest, ...more] = rest.split('table_name: ').map((part) => part.replace(/, .*$/s, ''));
      if (more.length === 0 && full === NO_TABLE) continue;
      const name = full.slice(database.length + 1);
      if (more.length > 0 || !full.startsWith(`${database}.`) || !isView(name)) throw notAllowed(full, `${full} is none of the views`);
      reads.views.add(name);
    } else if (node === 'TABLE_FUNCTION') {
      const name = /table_function_name: (\w+)/.exec(rest)?.[1] ?? rest;
      throw notAllowed(name, `${name} is a table function`);
    } else if (node === 'FUNCTION') {
      const name = /function_name: ([^,]+)/.exec(rest)?.[1] ?? rest;
      if (!isAllowedFunction(name) && !OF_THE_PLANNER.test(name)) throw notAllowed(name, `The function ${name} is not on the list`);
    } else if (node === 'COLUMN' && /column_name: person_id\b/.test(rest)) reads.persons = true;
  }
  return reads;
}

/** What the planner puts in the place of what was written; nobody can write them (judgeSyntax). */
const OF_THE_PLANNER = /^__\w+$/;

export function notAllowed(name: string, why: string): AdhocRefusal {
  return new AdhocRefusal('sql_not_allowed', `${why}; ask one SELECT of the views events, sessions, people, identities and rollups, with the functions of rule Z6.`, name);
}

function indentOf(line = ''): number {
  return line.length - line.trimStart().length;
}

function firstWord(text: string): string {
  return /^\S*/.exec(text)?.[0] ?? '';
}

/** Without ` (alias x)` and ` (children n)`, which stand behind a name. */
function withoutTail(text: string): string {
  return text.replace(/ \(children \d+\)$/, '').replace(/ \(alias .*\)$/s, '');
}
