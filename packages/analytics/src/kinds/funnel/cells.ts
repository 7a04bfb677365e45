/** The people behind a number of a funnel (rule K5). */
import Type, { type Static } from 'typebox';
import type { Asking } from '../../asking/asking.ts';
import { CellGroup, groupOfCell, inGroupSql, keptColumns, noSuchGroup } from '../../events/breakdown.ts';
import { topGroups } from '../../events/top-groups.ts';
import { CellTime, noSuch, pointOfCell } from '../../question/cell.ts';
import { didNext, nextSql, readNext } from './next.ts';
import { cameTo, funnelPeople, peopleWhere } from './people.ts';
import { outcomeOf, planOf, type FunnelPlan } from './plan.ts';
import type { Question } from './question.ts';
import { pointStarts } from '../points.ts';

export const Cell = Type.Object(
  {
    step: Type.Optional(Type.Integer({ minimum: 1, description: 'number of a step, from 1' })),
    outcome: Type.Optional(Type.Enum(['reached', 'dropped'], { description: 'reached or dropped' })),
    time: Type.Optional(CellTime),
    bin: Type.Optional(Type.Integer({ minimum: 0, description: 'number of a bin of the histogram, from 0; instead of step' })),
    next: Type.Optional(Type.Union([Type.String(), Type.Object({ value: Type.String() }, { additionalProperties: false })], { description: 'an event of next; instead of step' })),
    breakdown: Type.Optional(CellGroup),
  },
  { additionalProperties: false },
);
export type Cell = Static<typeof Cell>;

export async function peopleOf(question: Question, cell: Cell, asking: Asking): Promise<string> {
  const plan = planOf(question);
  if (cell.next !== undefined) return peopleWhoDidNext(question, plan, cell, asking);
  const { breakdown = [] } = question;
  const starts = question.granularity === undefined ? undefined : pointStarts(question, asking.range, 1);
  const people = funnelPeople(question, plan, starts, asking);
  const kept = cell.breakdown === undefined ? [] : await topGroups(people, breakdown.length, question.limit ?? 10, asking);
  const inGroup = cell.breakdown === undefined ? '1' : inGroupSql(groupOfCell(cell.breakdown, breakdown.length, kept));
  const grouped = `SELECT ${['*', ...keptColumns(breakdown.length, kept)].join(', ')} FROM (${people})`;
  if (cell.breakdown !== undefined && (await asking.query(`SELECT 1 FROM (${grouped}) WHERE ${inGroup} LIMIT 1`)).length === 0) throw noSuchGroup(cell.breakdown);
  const conditions = [inGroup, cell.bin === undefined ? outcomeSql(cell, plan) : await binSql(cell, plan, people, asking), timeSql(cell, starts, asking)];
  return peopleWhere(grouped, conditions.filter((sql) => sql !== '1').join(' AND '), ['person']);
}

function outcomeSql({ step, outcome = 'reached' }: Cell, plan: FunnelPlan): string {
  if (step === undefined || step > plan.steps.length) throw noSuch('step', step, `a number from 1 to ${plan.steps.length}, unless bin or next is given`);
  return cameTo(outcomeOf(step, outcome, plan));
}

async function binSql({ bin = 0, step }: Cell, { histogram }: FunnelPlan, people: string, { query }: Asking): Promise<string> {
  if (step !== undefined) throw noSuch('step', step, 'absent where bin is given');
  const isShown = histogram !== undefined && bin < histogram.bins && (await query(`SELECT 1 FROM (${people}) WHERE bin >= 0 LIMIT 1`)).length > 0;
  if (!isShown) throw noSuch('bin', bin, 'a number of a bin that the answer shows, from 0');
  return `bin = ${bin}`;
}

/** By the start of the chain. */
function timeSql({ time }: Cell, starts: readonly number[] | undefined, { range, nowMs }: Asking): string {
  if (time === undefined) return '1';
  if (starts === undefined) throw noSuch('time', time, 'absent where the question has no granularity');
  const { fromMs, toMs } = pointOfCell(time, starts, range, nowMs);
  return `t1 > ${fromMs - range.fromMs} AND t1 <= ${toMs - range.fromMs}`;
}

async function peopleWhoDidNext(question: Question, plan: FunnelPlan, cell: Cell, asking: Asking): Promise<string> {
  const other = (['step', 'outcome', 'time', 'bin', 'breakdown'] as const).find((name) => cell[name] !== undefined);
  if (other !== undefined) throw noSuch(other, cell[other], 'absent where next is given');
  if (plan.next === undefined || cell.next === undefined) throw noSuch('next', cell.next, 'absent where the question has no next');
  const sql = nextSql(question, plan, plan.next, asking);
  const condition = didNext(cell.next, await readNext(sql, plan.next.limit, asking));
  if (condition === undefined) throw noSuch('next', cell.next, 'an event that next lists');
  return `SELECT person FROM (${sql}) WHERE ${condition}`;
}
