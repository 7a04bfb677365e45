export type RebuildProblem = 'rebuild_running' | 'rebuild_not_running' | 'rebuild_no_room' | 'rebuild_would_lose' | 'rebuild_differs' | 'rebuild_nothing' | 'rebuild_failed' | 'rebuild_journal_damaged';

/** Why a rebuild does not begin, or does not swap: `code` is stable, the sentence says what to do. */
export class RebuildRefused extends Error {
  readonly code: RebuildProblem;

  constructor(code: RebuildProblem, sentence: string) {
    super(sentence);
    this.name = 'RebuildRefused';
    this.code = code;
  }
}
