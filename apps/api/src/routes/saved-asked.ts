import { askedOfStatic, isStatic, type StaticCohort } from '@tidemark/analytics';
import type { Control, QuestionName, SavedQuestion } from '@tidemark/control';
import { Problem } from '../problem.ts';

/** A saved question as it is to be asked (rules V4, C6). Throws ControlError `unknown_question`, `unknown_version`, Problem `unsupported_combination`. */
export async function savedAsked({ version, ...name }: QuestionName & { version?: number }, { questions }: Pick<Control, 'questions'>): Promise<SavedQuestion & { body: object }> {
  const newest = await questions.get(name);
  const saved = version === undefined || version === newest.version ? newest : await questions.get({ ...name, version });
  const body = saved.body as object;
  if (name.kind !== 'cohort' || !isStatic(body)) return { ...saved, body };
  if (saved === newest) return { ...saved, body: askedOfStatic(saved.name, body as StaticCohort) };
  const detail = `A static cohort keeps the people of its newest version alone: ask without version, or for ${newest.version}.`;
  throw new Problem('unsupported_combination', detail, { faults: [{ field: 'version', code: 'unsupported_combination', value: saved.version, rule: 'the newest version of a static cohort', detail }] });
}
