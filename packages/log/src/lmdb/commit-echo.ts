/**
 * True for the rejections that lmdb raises besides the one of the put itself when a commit fails (ENOSPC, EIO): promises
 * of its own that nobody can hold (seen with lmdb 3.5: one for each failed commit). The put's rejection is dealt with
 * where it was awaited; whoever runs the process must not let the echo end it.
 */
export function isCommitEcho(reason: unknown): boolean {
  if (!(reason instanceof Error) || !('commitError' in reason)) return false;
  const { commitError } = reason;
  if (commitError instanceof Promise) commitError.catch(() => {});
  return true;
}
