/** What waits is sent before the process ends: by itself (`beforeExit`), or because it is asked to (SIGTERM, SIGINT). */

/** All clients of the process: their listeners together are "ours". */
const flushes = new Map<object, () => Promise<void>>();
const SIGNALS: NodeJS.Signals[] = ['SIGTERM', 'SIGINT'];
let flushed = false;

/** Returns a function that takes it all back. `flush` never rejects and ends in bounded time. */
export function flushBeforeExit(flush: () => Promise<void>): () => void {
  const client = {};
  if (flushes.size === 0) {
    process.on('beforeExit', onBeforeExit);
    for (const signal of SIGNALS) process.on(signal, onSignal);
  }
  flushes.set(client, flush);
  return () => {
    flushes.delete(client);
    if (flushes.size === 0) stopListening();
  };
}

const flushAll = (): Promise<unknown> => Promise.all([...flushes.values()].map((flush) => flush()));

function onBeforeExit(): void {
  // It comes again when the flush is done: once is enough.
  if (!flushed) void flushAll();
  flushed = true;
}

function onSignal(signal: NodeJS.Signals): void {
  // A host that listens too ends its process itself; alone, we have taken the default away and must bring it back.
  const alone = process.listenerCount(signal) === 1;
  void flushAll().then(() => {
    stopListening();
    if (alone) process.kill(process.pid, signal);
  });
}

function stopListening(): void {
  process.off('beforeExit', onBeforeExit);
  for (const signal of SIGNALS) process.off(signal, onSignal);
}
