-- A page of a person is a few hundred rows of all columns: there it costs more to plan, open and decode 24 columns than to read
-- the rows (docs/decisions/003). What nobody filters or orders by is one text now, from which the other columns are made when
-- they are asked for by name; a page reads it as it is. The rows come over in src/pack-timeline.ts, month by month.
RENAME TABLE IF EXISTS timeline TO timeline_unpacked;

-- The events ordered by who did them: one person's actions, export, rebuild. Holds the original JSON texts.
CREATE TABLE timeline
(
    project          LowCardinality(String),
    raw_id           String CODEC(ZSTD(1)),
    time             DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    sequence         Int64 CODEC(T64, ZSTD(1)),
    event_id         String CODEC(ZSTD(1)),
    user_id          String CODEC(ZSTD(1)),
    anonymous_id     String CODEC(ZSTD(1)),
    received_at      DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    bot              UInt8,
    -- src/tables.ts: a JSON array of texts, properties, context and traits, with a record separator between, which no JSON holds.
    packed           String CODEC(ZSTD(1)),
    epoch            LowCardinality(String),
    partition        UInt16,
    offset           UInt64 CODEC(T64, ZSTD(1)),
    head             Array(String) ALIAS JSONExtract(splitByChar('\x1E', packed)[1], 'Array(String)'),
    event_name       String ALIAS head[1],
    type             String ALIAS head[2],
    session_id       String ALIAS head[3],
    group_id         String ALIAS head[4],
    previous_id      String ALIAS head[5],
    schema_version   String ALIAS head[6],
    source           String ALIAS head[7],
    flags            UInt16 ALIAS toUInt16OrZero(head[8]),
    original_time    DateTime64(3, 'UTC') ALIAS fromUnixTimestamp64Milli(toInt64OrZero(head[9]), 'UTC'),
    properties       String ALIAS splitByChar('\x1E', packed)[2],
    context          String ALIAS splitByChar('\x1E', packed)[3],
    traits           String ALIAS splitByChar('\x1E', packed)[4],
    INDEX by_offset offset TYPE minmax GRANULARITY 16,
    INDEX by_user user_id TYPE bloom_filter(0.01) GRANULARITY 16
)
ENGINE = MergeTree
PARTITION BY if(time < toDateTime64('2016-01-01 00:00:00', 3, 'UTC'), 0, toYYYYMM(time))
ORDER BY (project, raw_id, time, sequence, event_id)
SETTINGS index_granularity = 512, min_bytes_for_wide_part = 1000000000000, min_parts_to_merge_at_once = 10,
    fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, old_parts_lifetime = 480;
