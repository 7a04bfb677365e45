-- One row an event. Ordered for questions: a question names few events and a range of time.
CREATE TABLE events
(
    project          LowCardinality(String),
    event_name       LowCardinality(String),
    time             DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    received_at      DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    original_time    DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    event_id         String CODEC(ZSTD(1)),
    user_id          String CODEC(ZSTD(1)),
    anonymous_id     String CODEC(ZSTD(1)),
    session_id       String CODEC(ZSTD(1)),
    sequence         Int64 CODEC(T64, ZSTD(1)),
    type             LowCardinality(String),
    source           LowCardinality(String),
    schema_version   LowCardinality(String),
    group_id         String CODEC(ZSTD(1)),
    previous_id      String CODEC(ZSTD(1)),
    bot              UInt8,
    flags            UInt16,
    country          LowCardinality(String),
    os               LowCardinality(String),
    browser          LowCardinality(String),
    device_type      LowCardinality(String),
    channel          LowCardinality(String),
    campaign_source  LowCardinality(String),
    campaign_medium  LowCardinality(String),
    campaign_name    LowCardinality(String),
    referrer_host    LowCardinality(String),
    page_path        String CODEC(ZSTD(1)),
    app_version      LowCardinality(String),
    locale           LowCardinality(String),
    properties       JSON(max_dynamic_paths = 64),
    context          String CODEC(ZSTD(1)),
    traits           String CODEC(ZSTD(1)),
    epoch            LowCardinality(String),
    partition        UInt16,
    offset           UInt64 CODEC(DoubleDelta, ZSTD(1)),
    INDEX by_offset offset TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
-- All that is older than 2016 lies together: a range makes a part for each partition that it touches, and by months alone
-- one small batch of events from all over 1970 to now took 680 parts in each of two tables, some 10 s, every time.
PARTITION BY if(time < toDateTime64('2016-01-01 00:00:00', 3, 'UTC'), 0, toYYYYMM(time))
ORDER BY (project, event_name, time)
-- The default ('advanced') way of keeping rare paths makes a merge of 60,000 events whose properties have ids for keys
-- take 6 s and 2 GB; with this one a merge of 180,000 took 1.4 s and 0.6 GB (chDB 26.7).
-- A merge holds a granule or two of each part, whatever merge_max_block_size says: ten parts of 26,000 events took 290 MiB in 2.7 s with
-- 8,192 rows in each, 187 MiB in 2.7 s with 4,096. A table of before keeps its own: the size of granules can't be altered.
SETTINGS index_granularity = 4096, object_shared_data_serialization_version = 'map_with_buckets', object_shared_data_serialization_version_for_zero_level_parts = 'map_with_buckets',
    fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, old_parts_lifetime = 480;

-- The same events ordered by who did them: one person's actions, export, rebuild. Holds the original JSON texts.
CREATE TABLE timeline
(
    project          LowCardinality(String),
    raw_id           String CODEC(ZSTD(1)),
    time             DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    received_at      DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    original_time    DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    event_name       LowCardinality(String),
    event_id         String CODEC(ZSTD(1)),
    user_id          String CODEC(ZSTD(1)),
    anonymous_id     String CODEC(ZSTD(1)),
    session_id       String CODEC(ZSTD(1)),
    sequence         Int64 CODEC(T64, ZSTD(1)),
    type             LowCardinality(String),
    source           LowCardinality(String),
    schema_version   LowCardinality(String),
    group_id         String CODEC(ZSTD(1)),
    previous_id      String CODEC(ZSTD(1)),
    bot              UInt8,
    flags            UInt16,
    properties       String CODEC(ZSTD(3)),
    context          String CODEC(ZSTD(3)),
    traits           String CODEC(ZSTD(3)),
    epoch            LowCardinality(String),
    partition        UInt16,
    offset           UInt64 CODEC(T64, ZSTD(1)),
    INDEX by_offset offset TYPE minmax GRANULARITY 8,
    INDEX by_user user_id TYPE bloom_filter(0.01) GRANULARITY 8
)
ENGINE = MergeTree
PARTITION BY if(time < toDateTime64('2016-01-01 00:00:00', 3, 'UTC'), 0, toYYYYMM(time))
ORDER BY (project, raw_id, time, sequence, event_id)
-- A person's page reads whole granules of all columns: with 8,192 rows in each it took 35 ms of CPU in 10 parts, with 1,024
-- (and all columns in one file, see 007) 13. The size of granules can't be altered: a table of before gets it by `tidemark rebuild`.
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, old_parts_lifetime = 480;

-- Every id seen within the dedup window. Ordered by key, small granules: a lookup reads little.
CREATE TABLE event_ids
(
    key              FixedString(16) CODEC(NONE),
    content          UInt32 CODEC(NONE),
    epoch            LowCardinality(String),
    partition        UInt16,
    offset           UInt64 CODEC(T64, ZSTD(1)),
    received_at      DateTime CODEC(DoubleDelta, ZSTD(1)),
    INDEX by_offset offset TYPE minmax GRANULARITY 64
)
ENGINE = MergeTree
PARTITION BY toMonday(received_at)
ORDER BY key
SETTINGS index_granularity = 256, fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, old_parts_lifetime = 480;

-- What could not be stored, with its original bytes and the reason.
CREATE TABLE quarantine
(
    project          LowCardinality(String),
    received_at      DateTime64(3, 'UTC'),
    source           LowCardinality(String),
    code             LowCardinality(String),
    detail           String CODEC(ZSTD(1)),
    reasons          String CODEC(ZSTD(1)),
    event_id         String CODEC(ZSTD(1)),
    event_name       String CODEC(ZSTD(1)),
    original         String CODEC(ZSTD(3)),
    epoch            LowCardinality(String),
    partition        UInt16,
    offset           UInt64
)
ENGINE = MergeTree
ORDER BY (project, received_at, offset)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, old_parts_lifetime = 480;

-- What became of the events of each committed range: one insert a range, found again by its position.
CREATE TABLE outcomes
(
    project          LowCardinality(String),
    source           LowCardinality(String),
    minute           DateTime('UTC'),
    outcome          LowCardinality(String),
    code             LowCardinality(String),
    events           UInt64,
    epoch            LowCardinality(String),
    topic            LowCardinality(String),
    partition        UInt16,
    range_start      UInt64
)
ENGINE = MergeTree
ORDER BY (project, minute, source, outcome, code)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, old_parts_lifetime = 480;
