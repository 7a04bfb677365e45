/**
 * What a thread does, by the name that it has in /proc. Node 20 calls all of its own by one name, and a
 * statement of chDB runs in part on the thread of libuv's pool that called it; chDB renames those of
 * its pool after their work (seen with chDB 26.7).
 */
const BY_NAME: readonly (readonly [RegExp, string])[] = [
  [/^(MergeMutate|BgMBSchPool)/, 'chDB merges'],
  [/^(Query|Pipeline|AsyncInsert|Parser|Format|Parquet|Insert|TCPHandler|HTTPHandler|Aggreg|Sort|Read|Distrib)/, 'chDB queries'],
  [/^(ThreadPool|BgSchPool|BgStrmSchPool|Common|Fetch|Move|MemoryWorker|PoolDelayExec|BgDist|Sys|Async|IO|Trace|Local)/, 'chDB background'],
  [/^tokio/, 'control store'],
  [/^(V8Worker|DelayedTask|SignalInspector|libuv|node|MainThread)/, 'pools of Node (libuv: chDB statements, LMDB, files; V8: GC)'],
];

export function kindOf(name: string, isMain: boolean): string {
  if (isMain) return 'JavaScript';
  return BY_NAME.find(([pattern]) => pattern.test(name))?.[1] ?? `thread ${name}`;
}
