/** What merging or unmerging would change, and then does. */
import { isKnownNode, readLinks, readPerson, type PersonView, type ProjectIdentity } from '@tidemark/analytics';
import type { IdentityDecision } from '@tidemark/control';
import type { Static } from 'typebox';
import type { ApiDeps } from '../deps.ts';
import { Problem } from '../problem.ts';
import { toRfc3339 } from '../times.ts';
import { keyOf, toNode, type ChangeShape, type DecisionShape, type MergeShape, type PersonShape, type UnmergeShape } from './shapes.ts';

type Pair = readonly [string, string];
type Change = Static<typeof ChangeShape>;
type Deps = Pick<ApiDeps, 'warehouse' | 'control' | 'clock'> & { identities: NonNullable<ApiDeps['identities']> };
interface Caller {
  project: string;
  actor: string;
}

/** Throws Problem `illegal_id`, `unknown_identity`, `same_person`; ControlError `too_many_decisions`. */
export async function merge({ ids, reason = '', preview = false }: Static<typeof MergeShape>, caller: Caller, deps: Deps): Promise<Change> {
  const keys = await knownKeys(ids, caller.project, deps);
  const identity = await deps.identities.of(caller.project);
  const before = await personsOf(keys, identity, deps);
  if (before.length === 1) {
    throw new Problem('same_person', `Both are ${JSON.stringify(before[0]?.personId)} already: there is nothing to merge.`);
  }
  return decide('merge', [[keys[0] ?? '', keys[1] ?? '']], keys, { before, reason, preview }, caller, deps);
}

/** Throws Problem `illegal_id`, `unknown_identity`, `not_linked`, `invalid_request`; ControlError `too_many_decisions`. */
export async function unmerge({ ids, from, reason = '', preview = false }: Static<typeof UnmergeShape>, caller: Caller, deps: Deps): Promise<Change> {
  if ((ids.length === 1) !== (from === 'person')) {
    throw new Problem('invalid_request', 'Name the two whose link is to be cut, or one and `"from": "person"` to cut all its links.');
  }
  const keys = await knownKeys(ids, caller.project, deps);
  const [one = '', other] = keys;
  const identity = await deps.identities.of(caller.project);
  const { person } = await readPerson({ node: one }, identity, deps.warehouse);
  const decisions = await deps.control.identities.list(caller.project);
  const links = (await readLinks(person, decisions, deps.warehouse)).filter(({ state }) => state !== 'cut');
  const devicesOf = new Set(links.filter(({ cause, b, state }) => cause === 'claim' && b === one && state === 'counts').map(({ a }) => a));
  // A user leaves with its devices: a merge that was made with one of them is a link of the user's.
  const touches = ({ cause, a, b }: (typeof links)[number]): boolean =>
    a === one || b === one ? cause !== 'claim' || a === one : cause === 'merge' && (devicesOf.has(a) || devicesOf.has(b));
  const cut = other === undefined ? links.filter(touches) : links.filter(({ a, b }) => (a === one && b === other) || (a === other && b === one));
  if (cut.length === 0) {
    const detail = other === undefined ? 'Nothing links it to others.' : 'No alias, merge or claim links exactly these two: GET /api/identities/{id} lists the links there are.';
    throw new Problem('not_linked', detail);
  }
  const pairs = [...new Map(cut.map(({ a, b }) => [[a, b].toSorted().join('\0'), [a, b] as const])).values()];
  const ends = [...new Set([...keys, ...pairs.flat()])].slice(0, MAX_ENDS);
  return decide('cut', pairs, ends, { before: await personsOf(ends, identity, deps), reason, preview }, caller, deps);
}

/** So many ends of links are looked up for what a change shows. */
const MAX_ENDS = 50;

interface Plan {
  before: PersonView[];
  reason: string;
  preview: boolean;
}

async function decide(verdict: 'merge' | 'cut', pairs: readonly Pair[], ends: readonly string[], plan: Plan, { project, actor }: Caller, deps: Deps): Promise<Change> {
  const { before, reason, preview } = plan;
  const made = preview ? [] : await deps.control.identities.decide({ project, verdict, pairs, reason, actor });
  const standing = await deps.control.identities.list(project);
  const decisions = preview ? [...standing, ...pairs.map(([a, b]) => ({ verdict, a, b }))] : standing;
  const changed = await deps.identities.with(project, decisions);
  return { preview, before: before.map(toPerson), after: (await personsOf(ends, changed, deps)).map(toPerson), decisions: made.map(toDecision) };
}

async function knownKeys(ids: Static<typeof MergeShape>['ids'], project: string, { warehouse }: Deps): Promise<string[]> {
  const keys = ids.map((node, i) => keyOf(node, `ids[${i}]`));
  for (const [i, key] of keys.entries()) {
    if (await isKnownNode(key, project, warehouse)) continue;
    const detail = `No event of this project names the ${key.startsWith('u') ? 'user' : 'device'} ${JSON.stringify(key.slice(1))}.`;
    throw new Problem('unknown_identity', detail, { faults: [{ field: `ids[${i}]`, code: 'unknown_identity', value: toNode(key), detail }] });
  }
  return keys;
}

/** The persons of the nodes, each once. */
async function personsOf(keys: readonly string[], identity: ProjectIdentity, { warehouse }: Deps): Promise<PersonView[]> {
  const persons = new Map<string, PersonView>();
  for (const node of keys) {
    const person = await readPerson({ node }, identity, warehouse);
    persons.set(person.name, person);
  }
  return [...persons.values()];
}

export function toPerson({ personId, name, nodes, events }: PersonView): Static<typeof PersonShape> {
  return {
    personId,
    node: toNode(name),
    events,
    nodes: nodes.map(({ node, events: own, firstMs }) => ({ ...toNode(node), events: own, firstSeen: firstMs === undefined ? null : toRfc3339(firstMs) })),
  };
}

export function toDecision({ id, verdict, a, b, reason, madeAtMs, madeBy }: IdentityDecision): Static<typeof DecisionShape> {
  return { id, verdict, ids: [toNode(a), toNode(b)], reason, madeAt: toRfc3339(madeAtMs), madeBy };
}
