/**
 * Names for what a statement reads beside its rows of events: values of persons and groups, and changes of traits. A name tells the
 * path of the property in hexadecimal, so that any is one in SQL.
 */
import type { Owner } from './owner-values.ts';

type Defined = Owner | 'traits';

const NAME = /\b(person|group|traits)_of_((?:[0-9a-f]{2})+)(?![0-9a-f])/g;

/** The name of what is to be defined for a property. */
export function definedName(what: Defined, path: readonly string[]): string {
  return `${what}_of_${Buffer.from(path.join('.')).toString('hex')}`;
}

/** The names in a statement without its texts. */
export function namesIn(bare: string): Map<string, { what: Defined; path: string[] }> {
  const found = [...bare.matchAll(NAME)].map(([name, what, hex]) => [name, { what: what as Defined, path: Buffer.from(hex!, 'hex').toString().split('.') }] as const);
  return new Map(found);
}

/** A statement without its texts and quoted names, in which none of ours means anything. */
export function withoutTexts(sql: string): string {
  return sql.replaceAll(/'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`/gs, '');
}
