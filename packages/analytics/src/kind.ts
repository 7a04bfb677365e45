import type { TObject, TSchema } from 'typebox';
import type { Asking } from './asking/asking.ts';
import type { Reach } from './asking/reach.ts';
import type { Span } from './cache/stored.ts';
import type { TimeRange } from './time/range.ts';

/** One kind of question: one file each in `kinds/`, one line each in kinds.ts. */
export interface Kind {
  name: string;
  /** What it is for, in one sentence. */
  summary: string;
  question: TSchema;
  /** Shape of the answer without `meta`. */
  answer: TSchema;
  answerTo(question: never, asking: Asking): Promise<object>;
  /**
   * Outside of which event times nothing has a part in the answer, and after which time `nowMs` has none. Absent: in any. Throws as
   * `answerTo` does.
   */
  reads?(question: never, range: TimeRange): Span | undefined;
  /** Of which event times the answer is made, and the people behind it; absent: of those of the range. Throws as `answerTo` does. */
  reach?(question: never, range: TimeRange): Reach;
  /** Absent: no number of the answer has people behind it. */
  people?: PeopleBehind;
}

/** The people behind a number of an answer (rules K1 to K7); people.ts makes pages of them. */
export interface PeopleBehind {
  /** Names a number of the answer. */
  cell: TObject;
  /**
   * SELECT of `person`, the keys (PERSON_SQL) of the cell's people, each once. Throws a QuestionError that names the field of
   * `cell` by which the answer has no such number.
   */
  peopleOf(question: never, cell: never, asking: Asking): Promise<string>;
}
