/**
 * What a statement reads beside its rows of events: values of persons and groups, and changes of traits. It uses a name for each,
 * that tells the path of the property in hexadecimal, so that any is a name in SQL; the statement as a whole then begins with their
 * definitions, once each.
 */
import { ownerValues, type Owner } from './owner-values.ts';
import type { ProjectIdentity } from './project-identity.ts';
import { joinTraits, traitChanges, traitIds } from './traits-as-of.ts';

type Defined = Owner | 'traits';

const NAME = /\b(person|group|traits)_of_((?:[0-9a-f]{2})+)(?![0-9a-f])/g;

/** Texts and quoted names of a statement, in which such a name means nothing. */
const QUOTED = /'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`/gs;

/** The name of what is to be defined for a property. */
export function definedName(what: Defined, path: readonly string[]): string {
  return `${what}_of_${Buffer.from(path.join('.')).toString('hex')}`;
}

/** The JOINs that a table of events needs for what is read of it. */
export function joinsFor(read: string): string {
  return [...namesIn(read)].filter(([, { what }]) => what === 'traits').map(([name]) => ` ${joinTraits(name)}`).join('');
}

/** The statement with definitions of what it names. */
export function withDefinitions(sql: string, identity: ProjectIdentity): string {
  const definitions = [...namesIn(sql)].flatMap(([name, { what, path }]) =>
    what === 'traits' ? [`(${traitIds(path, identity)}) AS ${name}_ids`, `${name} AS (${traitChanges(path, name, identity)})`] : [`(${ownerValues(what, path, identity)}) AS ${name}`],
  );
  return definitions.length === 0 ? sql : `WITH ${definitions.join(',\n')}\n${sql}`;
}

function namesIn(sql: string): Map<string, { what: Defined; path: string[] }> {
  const found = sql.replaceAll(QUOTED, '').matchAll(NAME);
  return new Map([...found].map(([name, what, hex]) => [name, { what: what as Defined, path: Buffer.from(hex!, 'hex').toString().split('.') }]));
}
