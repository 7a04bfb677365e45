/**
 * Why a process of the server can't run, in words for the person who started it: one sentence, one fix.
 * An operating error: shown without a stack, and the exit code is 1.
 */
export class StartProblem extends Error {
  /** Stable, snake_case. */
  readonly code: string;
  /** What to do about it; reads on after "Fix:". */
  readonly fix: string;

  constructor(code: string, sentence: string, fix: string, options?: ErrorOptions) {
    super(sentence, options);
    this.name = 'StartProblem';
    this.code = code;
    this.fix = fix;
  }
}

/** The code of a system error (`EACCES`, `ENOSPC`, …), or '' for anything else. */
export function systemCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

export function stoppedWhileStarting(): StartProblem {
  return new StartProblem('stopped', 'Tidemark was stopped while it was starting.', 'start it again.');
}
