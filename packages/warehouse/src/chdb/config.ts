/**
 * Server configuration of the embedded engine. It must be there before the first session: the defaults take 90 % of
 * the machine's memory, two caches of 5 GB and a merge pool of 16 threads. The cache of Parquet files' footers has 512 MB, and keeps those
 * of files that are gone: with one file a range and one of each compaction it grew by 15 to 20 MiB a minute of full load (2026-11-23).
 */
export function chdbConfig(options: { maxMemoryBytes: number; threads: number }): string {
  const entries = {
    max_server_memory_usage: options.maxMemoryBytes,
    mark_cache_size: 64 << 20,
    primary_index_cache_size: 64 << 20,
    uncompressed_cache_size: 0,
    index_mark_cache_size: 16 << 20,
    index_uncompressed_cache_size: 0,
    mmap_cache_size: 0,
    parquet_metadata_cache_size: 8 << 20,
    query_condition_cache_size: 16 << 20,
    compiled_expression_cache_size: 32 << 20,
    background_pool_size: options.threads,
    background_merges_mutations_concurrency_ratio: 1,
    // What a DELETE waits for is begun part by part, and before each one the engine sleeps by chance up to a second, that many servers
    // don't wake at once; where both threads merged it looks again after ten. Three rows of three months took 2 to 11 s, now 0.5.
    background_processing_pool_thread_sleep_seconds_random_part: 0.01,
    background_processing_pool_task_sleep_seconds_when_no_work_random_part: 0.01,
    background_processing_pool_task_sleep_seconds_when_no_work_min: 1,
  };
  // By default a table with more than 100 broken parts, or 1 GB of them, is not opened at all. They are set aside and their
  // rows put back (verify/), however many a power loss broke.
  const mergeTree = { max_suspicious_broken_parts: 1_000_000, max_suspicious_broken_parts_bytes: 1e15 };
  const lines = [...elements(entries), '  <merge_tree>', ...elements(mergeTree).map((line) => `  ${line}`), '  </merge_tree>'];
  return `<clickhouse>\n${lines.join('\n')}\n</clickhouse>\n`;
}

function elements(entries: Record<string, number>): string[] {
  return Object.entries(entries).map(([name, value]) => `  <${name}>${value}</${name}>`);
}

/**
 * How much of the engine's memory (bytes) must be free for each thread of a statement that somebody waits for. The engine's own demand,
 * 1 GiB, is as much as it has here in all, so that every question ran on one core: a cohort of 10 M events took 2.0 s in place of 1.2 on
 * two idle cores (chDB 26.7, 2026-11-22). What nobody waits for stays on one.
 */
export const FREE_BYTES_PER_THREAD = 64 << 20;

/**
 * Settings of every connection. The JSON ones keep a property's type and name as the client wrote them: no guessing of
 * dates in strings, a dot in a key is not a path, a key twice is not a failed insert.
 */
export const SESSION_SETTINGS = {
  json_type_escape_dots_in_keys: 1,
  type_json_skip_duplicated_paths: 1,
  input_format_try_infer_dates: 0,
  input_format_try_infer_datetimes: 0,
  input_format_json_read_bools_as_numbers: 0,
  max_partitions_per_insert_block: 0,
  session_timezone: "'UTC'",
  output_format_json_quote_64bit_integers: 0,
  // Threads that format side by side are made for each statement, 0.4 ms of CPU; answers are small (SELECT 1: 1.4 ms with them, 1.0 without).
  output_format_parallel_formatting: 0,
  // Breakdowns by a property that holds integers in one event and text in another are read by type, see analytics.
  use_variant_as_common_type: 1,
} as const;

/**
 * Settings of connections that only read a few granules by a table's key, beside those of every connection. What is spared of such a
 * statement: handing granules to other threads, the new analyzer (1.3 ms), a reader for each column of the condition, and 0.1 ms for
 * settings in its text. A page of a person 3.2 ms, 3.4 with the first three of these in its text (chDB 26.7, after a rest, 2026-11-23).
 */
export const POINT_SETTINGS = {
  max_threads: 1,
  local_filesystem_read_method: "'pread'",
  enable_analyzer: 0,
  enable_multiple_prewhere_read_steps: 0,
  use_concurrency_control: 0,
} as const;
