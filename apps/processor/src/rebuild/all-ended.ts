/** Resolves when all have; when some failed, throws one of their reasons, and only once none is at work any more. */
export async function allEnded(works: readonly Promise<unknown>[]): Promise<void> {
  for (const end of await Promise.allSettled(works)) if (end.status === 'rejected') throw end.reason;
}
