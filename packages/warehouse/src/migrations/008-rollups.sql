-- What is counted again and again, kept by quarters of an hour of event time: a cached pure function of `events`, made by the
-- job `rollups` (docs/decisions/011). A row may come twice and of older versions; `rollup_buckets` says which version counts.

-- One row a combination of dimensions within a quarter of an hour. The names of columns that a question reads are those of events.
CREATE TABLE rollups
(
    project          LowCardinality(String),
    event_name       LowCardinality(String),
    time             DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    version          UInt64 CODEC(T64, ZSTD(1)),
    source           LowCardinality(String),
    bot              UInt8,
    country          LowCardinality(Nullable(String)),
    device_type      LowCardinality(Nullable(String)),
    channel          LowCardinality(Nullable(String)),
    campaign_source  LowCardinality(Nullable(String)),
    campaign_medium  LowCardinality(Nullable(String)),
    campaign_name    LowCardinality(Nullable(String)),
    events           UInt64 CODEC(T64, ZSTD(1)),
    actors           Array(UInt64) CODEC(ZSTD(1))
)
ENGINE = MergeTree
-- By years: they are few, and the buckets of one recompute may lie far apart.
PARTITION BY if(time < toDateTime64('2016-01-01 00:00:00', 3, 'UTC'), 0, toYear(time))
ORDER BY (project, event_name, time)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, old_parts_lifetime = 480;

-- Versions of buckets that are whole, each written after its rows. The greatest counts.
CREATE TABLE rollup_buckets
(
    project  LowCardinality(String),
    time     DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    version  UInt64 CODEC(T64, ZSTD(1)),
    made_at  DateTime('UTC') CODEC(DoubleDelta, ZSTD(1))
)
ENGINE = MergeTree
ORDER BY (project, time)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, old_parts_lifetime = 480;

-- Buckets whose rollup is not what their events make: questions read the events. A mark is written before the rows that make it true.
CREATE TABLE rollup_marks
(
    project     LowCardinality(String),
    time        DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    generation  UInt64 CODEC(T64, ZSTD(1)),
    epoch       LowCardinality(String),
    offset      UInt64 CODEC(T64, ZSTD(1))
)
ENGINE = MergeTree
ORDER BY (project, time)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, old_parts_lifetime = 480;

-- Lines in event time that only ever rise. `mark`: events before it mark their bucket. `sealed`: before it every bucket that
-- has events has its rollup, or a mark. `frozen` (of one project): before it events have begun to expire. `doubted` and `settled`
-- are times of starts: when events may have been changed beside the processor, and when all that was marked.
CREATE TABLE rollup_lines
(
    kind     LowCardinality(String),
    project  LowCardinality(String),
    until    SimpleAggregateFunction(max, DateTime64(3, 'UTC'))
)
ENGINE = AggregatingMergeTree
ORDER BY (kind, project)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, old_parts_lifetime = 480;
