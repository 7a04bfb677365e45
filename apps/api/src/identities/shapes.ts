/** Identity as it comes and goes over HTTP: a node is `{"userId": …}` or `{"anonymousId": …}`. */
import { isIllegalId } from '@tidemark/event';
import { Type } from 'typebox';
import type { Static } from 'typebox';
import { Problem } from '../problem.ts';
import { Count, Time } from '../schemas.ts';

const MAX_ID_LENGTH = 256;
const Id = Type.String({ minLength: 1, maxLength: MAX_ID_LENGTH });

const NodeShape = Type.Object(
  { userId: Type.Optional(Id), anonymousId: Type.Optional(Id) },
  { additionalProperties: false, minProperties: 1, maxProperties: 1, description: 'One of the two: user x is not device x.' },
);
type Node = Static<typeof NodeShape>;

export const PersonShape = Type.Object({
  personId: Type.String({ description: 'The id that names the person in answers.' }),
  node: NodeShape,
  events: Type.Integer({ minimum: 0, description: 'Of all nodes, bots among them.' }),
  nodes: Type.Array(
    Type.Object({
      userId: Type.Optional(Id),
      anonymousId: Type.Optional(Id),
      events: Type.Integer({ minimum: 0, description: 'Of a device those that name no user.' }),
      firstSeen: Type.Unsafe<string | null>({ type: ['string', 'null'], format: 'date-time', description: 'null: known by links alone.' }),
    }),
    { description: 'By their first event; at most 1,000.' },
  ),
});

export const LinkShape = Type.Object({
  cause: Type.Unsafe<'claim' | 'alias' | 'merge'>({
    type: 'string',
    enum: ['claim', 'alias', 'merge'],
    description: '`claim`: the device was seen with the user. `alias`: an alias event. `merge`: somebody decided so.',
  }),
  ids: Type.Array(NodeShape, { minItems: 2, maxItems: 2 }),
  time: Type.String({ format: 'date-time', description: 'Of the event, or of the decision.' }),
  eventId: Type.Optional(Type.String({ description: 'The first event that says so.' })),
  state: Type.Unsafe<'counts' | 'later' | 'cut' | 'hub'>({
    type: 'string',
    enum: ['counts', 'later', 'cut', 'hub'],
    description: '`later`: another user was first on the device. `cut`: somebody cut it. `hub`: the user has too many.',
  }),
});

export const DecisionShape = Type.Object({
  id: Count,
  verdict: Type.Unsafe<'merge' | 'cut'>({ type: 'string', enum: ['merge', 'cut'] }),
  ids: Type.Array(NodeShape, { minItems: 2, maxItems: 2 }),
  reason: Type.String(),
  madeAt: Time,
  madeBy: Type.String({ description: 'Id of the API token.' }),
});

export const ChangeShape = Type.Object({
  preview: Type.Boolean({ description: 'True: nothing was changed.' }),
  before: Type.Array(PersonShape),
  after: Type.Array(PersonShape),
  decisions: Type.Array(DecisionShape, { description: 'What was written down; empty in a preview.' }),
});

const common = {
  reason: Type.Optional(Type.String({ maxLength: 500, description: 'For people; it stays with the decision.' })),
  preview: Type.Optional(Type.Boolean({ description: 'Tell what would change, and change nothing.' })),
};

export const MergeShape = Type.Object({ ids: Type.Array(NodeShape, { minItems: 2, maxItems: 2 }), ...common }, { additionalProperties: false });

export const UnmergeShape = Type.Object(
  {
    ids: Type.Array(NodeShape, { minItems: 1, maxItems: 2, description: 'Two: the link between them is cut. One, with `"from": "person"`: all its links are.' }),
    from: Type.Optional(Type.Unsafe<'person'>({ type: 'string', enum: ['person'] })),
    ...common,
  },
  { additionalProperties: false },
);

export function toNode(key: string): Node {
  return key.startsWith('u') ? { userId: key.slice(1) } : { anonymousId: key.slice(1) };
}

/** The key of a node. Throws Problem `illegal_id` for what can be nobody's id. */
export function keyOf({ userId, anonymousId }: Node, field: string): string {
  const id = userId ?? anonymousId ?? '';
  if (isIllegalId(id) || !id.isWellFormed()) {
    const detail = `${JSON.stringify(id.toWellFormed())} is no one's id: name the user or the device itself.`;
    throw new Problem('illegal_id', detail, { faults: [{ field, code: 'illegal_id', value: id.toWellFormed(), detail }] });
  }
  return userId === undefined ? `a${id}` : `u${id}`;
}
