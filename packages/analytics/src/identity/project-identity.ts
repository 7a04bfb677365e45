/** What a project's aliases and decisions change about who is who, as questions use it. In most projects that is nothing. */
import { overridesOf, type JoinedPerson, type NodeKey } from '@tidemark/identity';
import { literal } from '@tidemark/warehouse';
import { orderedBytes } from '../events/ordered-bytes.ts';
import { overrideRows, type OverrideKind, type OverridesTable } from './override-rows.ts';

export interface ProjectIdentity {
  project: string;
  /** Persons of several base nodes. */
  persons: readonly JoinedPerson[];
  /** Claims that somebody cut: they don't count for whose a device is. */
  cutClaims: readonly (readonly [device: string, user: string])[];
  /** Users that were seen with more devices than one may have: none of their claims count. */
  hubUsers: readonly string[];
  /** The same in `identity_overrides`, where it is too much for a statement. */
  table?: OverridesTable;
}

/** Nobody is joined and nothing is cut. */
export function plainIdentity(project: string): ProjectIdentity {
  return { project, persons: [], cutClaims: [], hubUsers: [] };
}

/** More than these rows or bytes go through the table `identity_overrides`: a statement ends at 256 KB, and may hold them four times. */
const MAX_INLINE_ROWS = 500;
const MAX_INLINE_BYTES = 20_000;

export function fitsStatement({ persons, cutClaims, hubUsers }: ProjectIdentity): boolean {
  if (persons.length > MAX_INLINE_ROWS) return false;
  const texts = [...persons.flatMap(({ name, nodes }) => nodes.flatMap((node) => [node, name])), ...cutClaims.flat(), ...hubUsers];
  return texts.length <= 2 * MAX_INLINE_ROWS && texts.reduce((sum, text) => sum + Buffer.byteLength(literal(text)), 0) <= MAX_INLINE_BYTES;
}

/** The column `first` of `identity_claims`, (time, eventId), as a text of the same order. */
export const FIRST_SQL = `concat(${orderedBytes('toUnixTimestamp64Milli(first.time)')}, first.event_id)`;

/** Condition on `identity_claims` that holds for the claims of the project that count. */
export function claimsThatCount({ project, cutClaims, hubUsers, table }: ProjectIdentity): string {
  const conditions = [`project = ${literal(project)}`];
  const from = (kind: OverrideKind, columns: string): string => (table === undefined ? '' : `(SELECT ${columns} FROM (${overrideRows(project, table, kind)}))`);
  const list = (values: readonly string[]): string => `(${values.join(', ')})`;
  if (cutClaims.length > 0) {
    conditions.push(`(device, user) NOT IN ${from('cut', 'one, other') || list(cutClaims.map(([device, user]) => `(${literal(device)}, ${literal(user)})`))}`);
  }
  if (hubUsers.length > 0) conditions.push(`user NOT IN ${from('hub', 'one') || list(hubUsers.map((user) => literal(user)))}`);
  return conditions.join(' AND ');
}

/** SELECT of `node` and `name`, keys of nodes: who bears another one's name. undefined when nobody does. */
export function overridesSql(identity: ProjectIdentity): string | undefined {
  const { project, persons, table } = identity;
  if (persons.length === 0) return undefined;
  if (table !== undefined) return `SELECT one AS node, other AS name FROM (${overrideRows(project, table, 'name')})`;
  const pairs = [...overridesOf(persons)].map(([node, name]) => `(${literal(node)}, ${literal(name)})`).join(', ');
  return `SELECT tupleElement(pair, 1) AS node, tupleElement(pair, 2) AS name FROM (SELECT arrayJoin([${pairs}]) AS pair)`;
}

/** The person that a base node belongs to: one of several nodes, or the node alone. */
export function personOfNode({ persons }: ProjectIdentity, node: NodeKey): JoinedPerson {
  let index = indexes.get(persons);
  if (index === undefined) {
    index = new Map(persons.flatMap((person) => person.nodes.map((each) => [each, person] as const)));
    indexes.set(persons, index);
  }
  return index.get(node) ?? { name: node, nodes: [node] };
}

/** Made when first asked of: there may be 100,000 persons, and an identity serves many questions. */
const indexes = new WeakMap<ProjectIdentity['persons'], Map<NodeKey, JoinedPerson>>();
