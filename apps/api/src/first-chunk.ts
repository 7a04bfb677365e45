/** Files that are answered as they are read. */

/**
 * Calls `ended` once, however the reading ends: at the end, by a failure, or because the reader went away. The reader of a
 * file that has begun can't be told why it breaks off, so `broken` is.
 */
export async function* counted(chunks: AsyncIterable<Buffer>, ended: () => void, broken: (error: unknown) => void): AsyncGenerator<Buffer> {
  try {
    yield* chunks;
  } catch (error) {
    broken(error);
    throw error;
  } finally {
    ended();
  }
}

/** Waits for the first chunk, so that a question that fails is answered with a problem and not with a torn file. */
export async function startReading(chunks: AsyncGenerator<Buffer>): Promise<AsyncIterable<Buffer>> {
  let first: IteratorResult<Buffer> | undefined = await chunks.next();
  // An iterator by hand: a generator that was never read from would not pass `return` on, and the count would stay.
  const iterator: AsyncIterator<Buffer> = {
    async next() {
      const result = first ?? (await chunks.next());
      first = undefined;
      return result;
    },
    return: () => chunks.return(undefined),
  };
  return { [Symbol.asyncIterator]: () => iterator };
}
