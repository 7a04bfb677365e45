import type { RebuildRequest, RebuildView } from '@tidemark/processor';

/** One rebuild at a time. */
export interface RebuildPort {
  /** Throws an error with one of the codes that routes.ts names. */
  begin(request: RebuildRequest): Promise<RebuildView>;
  /** undefined before the first. */
  view(): RebuildView | undefined;
  /** False when none runs, or when it is too late. */
  cancel(): Promise<boolean>;
}
