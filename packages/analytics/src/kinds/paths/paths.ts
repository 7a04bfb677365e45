/** What people do next to an event, node by node. */
import Type, { type Static } from 'typebox';
import type { Asking } from '../../asking/asking.ts';
import type { Reach } from '../../asking/reach.ts';
import type { Kind } from '../../kind.ts';
import { groupLabels, keyNames } from '../../events/breakdown.ts';
import type { Span } from '../../cache/stored.ts';
import type { TimeRange } from '../../time/range.ts';
import { MORE, NONE, OTHERS, readLinks, type LinkRow } from './counts.ts';
import { Cell, peopleOf } from './people.ts';
import { planOf, Question, type PathsPlan } from './question.ts';
import { pathsSql, spanOf } from './sql.ts';

const NodeKind = Type.Enum(['event', 'other', 'drop-off', 'start'], { description: 'other = all that are not shown; drop-off = nothing came after; start = nothing came before' });
type NodeKind = Static<typeof NodeKind>;
const FLOW = {
  users: Type.Integer({ description: 'people with a path' }),
  truncated: Type.Integer({ description: 'people whose path goes on behind the last step' }),
  nodes: Type.Array(Type.Object({ step: Type.Integer(), node: Type.String(), kind: NodeKind, users: Type.Integer() })),
  links: Type.Array(Type.Object({ step: Type.Integer(), from: Type.String(), fromKind: NodeKind, to: Type.String(), toKind: NodeKind, users: Type.Integer() })),
};
const Flow = Type.Object(FLOW);
type Flow = Static<typeof Flow>;
const Answer = Type.Object({ ...FLOW, breakdowns: Type.Array(Type.Object({ breakdown: Type.Array(Type.String()), ...FLOW })) });
type Answer = Static<typeof Answer>;

export const paths: Kind = { name: 'paths', summary: 'What people do next to an event, node by node.', question: Question, answer: Answer, answerTo, reads, reach, people: { cell: Cell, peopleOf } };

function reads(question: Question, range: TimeRange): Span {
  return spanOf(planOf(question), range);
}

function reach(question: Question, range: TimeRange): Reach {
  const { fromMs, toMs } = reads(question, range);
  return { fromMs, toMs: range.toMs, aheadMs: toMs - range.toMs };
}

async function answerTo(question: Question, asking: Asking): Promise<Answer> {
  const plan = planOf(question);
  const { breakdown = [], limit = 10 } = question;
  const rows = await readLinks(pathsSql(question, plan, asking), plan, { count: breakdown.length, limit }, asking);
  const places = breakdown.length === 0 ? [] : [...new Set(rows.map(({ place }) => place))];
  return {
    ...flowOf(rows, plan),
    breakdowns: places.map((place) => {
      const own = rows.filter((row) => row.place === place);
      return { breakdown: groupLabels(keyNames(breakdown.length).map((key) => String(own[0]?.[key]))), ...flowOf(own, plan) };
    }),
  };
}

/** The nodes and links of one group, or of all groups: nobody is in two. */
function flowOf(rows: readonly LinkRow[], plan: PathsPlan): Flow {
  const nodes = new Map<string, Counted<{ step: number; key: string }>>();
  const links = new Map<string, Counted<{ step: number; from: string; to: string }>>();
  let truncated = 0;
  for (const { step, node, next, n } of rows) {
    add(nodes, { step, key: node }, n);
    if (next === MORE) truncated += n;
    else if (next !== '') add(links, { step, from: node, to: next }, n);
    if (next === NONE) add(nodes, { step: step + 1, key: NONE }, n);
  }
  const shown = (key: string): { name: string; kind: NodeKind } => {
    if (key !== OTHERS && key !== NONE) return { name: key.slice(1), kind: 'event' };
    const kind = key === OTHERS ? 'other' : plan.way === 'before' ? 'start' : 'drop-off';
    return { name: kind, kind };
  };
  const byName = (a: string, b: string): number => compareBytes(shown(a).name, shown(b).name) || compareBytes(b, a);
  const rank = ({ key }: { key: string }): number => (key === NONE ? 2 : key === OTHERS ? 1 : 0);
  return {
    users: rows.reduce((sum, { step, n }) => sum + (step === 1 ? n : 0), 0),
    truncated,
    nodes: [...nodes.values()]
      .toSorted((a, b) => a.step - b.step || rank(a) - rank(b) || b.users - a.users || byName(a.key, b.key))
      .map(({ step, key, users }) => ({ step, node: shown(key).name, kind: shown(key).kind, users })),
    links: [...links.values()]
      .toSorted((a, b) => a.step - b.step || b.users - a.users || byName(a.from, b.from) || byName(a.to, b.to))
      .map(({ step, from, to, users }) => ({ step, from: shown(from).name, fromKind: shown(from).kind, to: shown(to).name, toKind: shown(to).kind, users })),
  };
}

type Counted<Item> = Item & { users: number };

function add<Item extends object>(counts: Map<string, Counted<Item>>, item: Item, n: number): void {
  const key = JSON.stringify(item);
  const counted = counts.get(key);
  if (counted === undefined) counts.set(key, { ...item, users: n });
  else counted.users += n;
}

function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
