/** What a funnel's question asks for, checked: which combinations have a rule, and which steps are meant (rules F8 to F17). */
import { durationMs } from '../../time/duration.ts';
import { QuestionError } from '../../question/problem.ts';
import type { AskedStep, Question } from './question.ts';

/** Steps are counted from 1, as in the question. */
export interface FunnelPlan {
  steps: readonly AskedStep[];
  windowMs: number;
  order: 'ordered' | 'strict' | 'any';
  /** The steps that make the chain: in any order, so many as there are. */
  required: readonly number[];
  optional: readonly number[];
  exclude: readonly { after: number; before: number }[];
  histogram: { from: number; to: number; bins: number } | undefined;
  /** Whose next event is asked for: those who came to `reached`, not to `missed`. */
  next: (Outcome & { limit: number }) | undefined;
}

/** People who came to a step and, where `missed` is given, not to that one. */
export interface Outcome {
  reached: number;
  missed: number | undefined;
}

/** Throws a QuestionError. */
export function planOf(question: Question): FunnelPlan {
  const { steps, order = 'ordered', histogram, next } = question;
  const numbered = steps.map((step, i) => ({ n: i + 1, isOptional: step.optional === true }));
  const required = numbered.filter(({ isOptional }) => !isOptional).map(({ n }) => n);
  const optional = numbered.filter(({ isOptional }) => isOptional).map(({ n }) => n);
  for (const n of optional) {
    const field = `steps[${n - 1}].optional`;
    if (order !== 'ordered') throw unsupported(field, true, `In ${order} order every step is needed: leave optional out, or ask for order ordered.`);
    if (n === 1 || n === steps.length) throw invalid(field, true, 'not of the first or the last step');
  }
  const plan = { steps, windowMs: windowOf(question), order, required, optional };
  if (order === 'any') refuseUnorderable(question);

  const isRequired = (n: number): boolean => required.includes(n);
  const exclude = (question.exclude ?? []).map(({ after = 1, before = steps.length }, i) => {
    if (before > steps.length || before <= after || !isRequired(before)) throw invalid(`exclude[${i}].before`, before, 'a later step than after that is not optional');
    if (!isRequired(after)) throw invalid(`exclude[${i}].after`, after, 'a step that is not optional');
    return { after, before };
  });
  const { breakdownFrom } = question;
  if (typeof breakdownFrom === 'object' && !isRequired(breakdownFrom.step)) throw invalid('breakdownFrom.step', breakdownFrom.step, 'a step that is not optional');
  return { ...plan, exclude, histogram: histogram && binsOf(histogram, required), next: next && nextOf(next, plan) };
}

/** The required step before a step; of the first one itself. */
export function stepBefore(n: number, { required }: Pick<FunnelPlan, 'required'>): number {
  return required.findLast((other) => other < n) ?? 1;
}

function windowOf({ window = '30d' }: Question): number {
  const ms = durationMs(window);
  if (ms === undefined) throw invalid('window', window, '1s to 366d');
  return ms;
}

function refuseUnorderable({ steps, exclude = [] }: Question): void {
  if (exclude.length > 0) throw unsupported('exclude', exclude, 'In any order nothing comes between two steps: leave exclude out, or ask for order ordered.');
  const texts = steps.map(({ event, where = [] }) => JSON.stringify([event === undefined ? null : [...new Set([event].flat())].toSorted(), where]));
  const twice = texts.findIndex((text, i) => texts.indexOf(text) < i);
  if (twice >= 0) throw unsupported(`steps[${twice}]`, steps[twice], 'In any order an event serves the first step that it matches: ask for no two steps with the same events and conditions.');
}

function binsOf({ from = 1, to, bins = 10 }: NonNullable<Question['histogram']>, required: readonly number[]): NonNullable<FunnelPlan['histogram']> {
  const last = to ?? required.at(-1) ?? 1;
  if (!required.includes(last)) throw invalid('histogram.to', last, 'a step that is not optional');
  if (!required.includes(from) || from >= last) throw invalid('histogram.from', from, 'an earlier step that is not optional');
  return { from, to: last, bins };
}

function nextOf({ step, outcome = 'reached', limit = 10 }: NonNullable<Question['next']>, plan: Pick<FunnelPlan, 'required'>): NonNullable<FunnelPlan['next']> {
  if (!plan.required.includes(step) || (outcome === 'dropped' && step === 1)) throw invalid('next.step', step, 'a step that is not optional, and not the first one of those who dropped');
  return { ...outcomeOf(step, outcome, plan), limit };
}

export function outcomeOf(step: number, outcome: 'reached' | 'dropped', plan: Pick<FunnelPlan, 'required'>): Outcome {
  return outcome === 'reached' ? { reached: step, missed: undefined } : { reached: stepBefore(step, plan), missed: step };
}

function invalid(field: string, value: unknown, rule: string): QuestionError {
  return new QuestionError({ code: 'invalid_value', field, value, rule, detail: `${field} must be ${rule}.` });
}

function unsupported(field: string, value: unknown, detail: string): QuestionError {
  return new QuestionError({ code: 'unsupported_combination', field, value, rule: 'one of the two', detail });
}
