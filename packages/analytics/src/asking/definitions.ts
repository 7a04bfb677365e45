import { cohortIdsName, cohortsIn } from '../cohorts/membership.ts';
import { namesIn, withoutTexts } from '../properties/defined-names.ts';
import { ownerValues } from '../properties/owner-values.ts';
import { sessionDefinitions, type SessionSource } from '../sessions/sessions-of-range.ts';
import { traitChanges, traitIds } from '../properties/traits-as-of.ts';

export interface DefinitionSource extends SessionSource {
  /** SELECT of `key`, the ids of the people of a saved cohort. Throws a QuestionError when there is none of this name. */
  cohortIds(name: string): Promise<string>;
}

/**
 * The statement, begun with definitions of what it names: values of persons and groups, changes of traits, sessions, cohorts, once
 * each. Throws what the source does.
 */
export async function withDefinitions(sql: string, source: DefinitionSource): Promise<string> {
  const { identity } = source;
  const cohorts = await cohortDefinitions(sql, source);
  const bare = withoutTexts([sql, ...cohorts].join('\n'));
  const values = [...namesIn(bare)].flatMap(([name, { what, path }]) =>
    what === 'traits' ? [`(${traitIds(path, identity)}) AS ${name}_ids`, `${name} AS (${traitChanges(path, name, identity)})`] : [`(${ownerValues(what, path, identity)}) AS ${name}`],
  );
  const definitions = [...values, ...(await sessionDefinitions(bare, source)), ...cohorts];
  return definitions.length === 0 ? sql : `WITH ${definitions.join(',\n')}\n${sql}`;
}

/** The cohorts that a statement names, each behind those that it names itself. */
async function cohortDefinitions(sql: string, { cohortIds }: DefinitionSource): Promise<string[]> {
  const definitions = new Map<string, string>();
  const define = async (statement: string): Promise<void> => {
    for (const name of cohortsIn(withoutTexts(statement))) {
      if (definitions.has(name)) continue;
      const ids = await cohortIds(name);
      await define(ids);
      definitions.set(name, `${cohortIdsName(name)} AS (${ids})`);
    }
  };
  await define(sql);
  return [...definitions.values()];
}
