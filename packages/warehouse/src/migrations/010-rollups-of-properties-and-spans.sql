-- Rollups by properties that a project names, and of hours and days (docs/decisions/011). A key cannot be put before those of a
-- table, so this one takes the place of `rollups`: what a question reads lies together.

-- `property` = '': one row a combination of the fixed dimensions within a span of time; else one a `value` of that property.
-- `width`: seconds that the span lasts. The names of columns that a question reads are those of events.
CREATE TABLE rollup_rows
(
    project          LowCardinality(String),
    property         LowCardinality(String),
    width            UInt32 DEFAULT 900 CODEC(T64, ZSTD(1)),
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
    value            LowCardinality(Nullable(String)),
    events           UInt64 CODEC(T64, ZSTD(1)),
    actors           Array(UInt64) CODEC(ZSTD(1)),
    sketch           AggregateFunction(uniqCombined64(12), UInt64) CODEC(ZSTD(1))
)
ENGINE = MergeTree
-- By years: they are few, and the buckets of one recompute may lie far apart.
PARTITION BY if(time < toDateTime64('2016-01-01 00:00:00', 3, 'UTC'), 0, toYear(time))
ORDER BY (project, property, width, event_name, time)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, old_parts_lifetime = 480;

-- One block, so that a kill leaves a partition whole or empty; again, it writes what is missing.
INSERT INTO rollup_rows (project, event_name, time, version, source, bot, country, device_type, channel, campaign_source, campaign_medium, campaign_name, events, actors)
SELECT project, event_name, time, version, source, bot, country, device_type, channel, campaign_source, campaign_medium, campaign_name, events, actors
FROM rollups WHERE (project, time, version) NOT IN (SELECT project, time, version FROM rollup_rows)
SETTINGS max_insert_threads = 1, min_insert_block_size_rows = 1000000000, min_insert_block_size_bytes = 1000000000000;

-- `counted`: the version that read the events which this one counts; a rollup is up to date when it counted no earlier than
-- those that it is made of, or stands beside. `overflown`: there were too many values of the property, so there are no rows.
-- `sketched`: large sets of actors are only in `sketch`, mapped to persons as of then.
ALTER TABLE rollup_buckets
    ADD COLUMN IF NOT EXISTS property LowCardinality(String),
    ADD COLUMN IF NOT EXISTS width UInt32 DEFAULT 900 CODEC(T64, ZSTD(1)),
    ADD COLUMN IF NOT EXISTS counted UInt64 DEFAULT version CODEC(T64, ZSTD(1)),
    ADD COLUMN IF NOT EXISTS overflown UInt8,
    ADD COLUMN IF NOT EXISTS sketched UInt8;

DROP TABLE IF EXISTS rollups SYNC;
