import { namesIn, withoutTexts } from './defined-names.ts';
import { ownerValues } from './owner-values.ts';
import { sessionDefinitions, type SessionSource } from './sessions-of-range.ts';
import { traitChanges, traitIds } from './traits-as-of.ts';

/**
 * The statement, begun with definitions of what it names: values of persons and groups, changes of traits, sessions, once each.
 * Throws what the source's `query` throws.
 */
export async function withDefinitions(sql: string, source: SessionSource): Promise<string> {
  const bare = withoutTexts(sql);
  const { identity } = source;
  const values = [...namesIn(bare)].flatMap(([name, { what, path }]) =>
    what === 'traits' ? [`(${traitIds(path, identity)}) AS ${name}_ids`, `${name} AS (${traitChanges(path, name, identity)})`] : [`(${ownerValues(what, path, identity)}) AS ${name}`],
  );
  const definitions = [...values, ...(await sessionDefinitions(bare, source))];
  return definitions.length === 0 ? sql : `WITH ${definitions.join(',\n')}\n${sql}`;
}
