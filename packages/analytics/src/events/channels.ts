/** The channel of an event (rule A4): by the rules of the project, else as it was found when the event came in. */
import { literal, type Warehouse } from '@tidemark/warehouse';
import Type, { type Static } from 'typebox';
import { judgePatterns } from './patterns.ts';
import { Where } from '../question/schema.ts';
import { whereSql } from './where.ts';

const MAX_RULES = 50;

const ChannelRule = Type.Object(
  { name: Type.String({ minLength: 1, maxLength: 100, description: 'a name of 1 to 100 characters' }), where: Where },
  { additionalProperties: false },
);
export const ChannelRules = Type.Array(ChannelRule, { maxItems: MAX_RULES, description: `up to ${MAX_RULES} rules {"name", "where"}; the first that holds counts` });
export type ChannelRule = Static<typeof ChannelRule>;

/** SQL of the channel of a row of `events`, NULL where it has none. `field` names the rules' place for errors. Throws a QuestionError. */
export function channelSql(rules: readonly ChannelRule[], field: string): string {
  const plain = `nullIf(toString(channel), '')`;
  if (rules.length === 0) return plain;
  const branches = rules.map(({ name, where }, i) => `${whereSql(where, 'events', `${field}[${i}].where`)}, ${literal(name)}`);
  return `multiIf(${branches.join(', ')}, ${plain})`;
}

/** Throws a QuestionError, with fields as `channels[0].where[1].value`, for rules that can't be asked; and what the warehouse throws. */
export async function checkChannelRules(rules: readonly ChannelRule[], warehouse: Pick<Warehouse, 'query'>): Promise<void> {
  channelSql(rules, 'channels');
  await judgePatterns({ channels: rules }, warehouse);
}
