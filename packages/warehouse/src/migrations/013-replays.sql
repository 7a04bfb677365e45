-- What the request said besides the event, as JSON: what a replay has to know. '' of items from before it was kept.
ALTER TABLE quarantine ADD COLUMN IF NOT EXISTS request String DEFAULT '' CODEC(ZSTD(1));
-- As enrichment reads it; of older items it is read from their bytes when it is asked for.
ALTER TABLE quarantine ADD COLUMN IF NOT EXISTS app_version LowCardinality(String)
    DEFAULT if(JSONExtractString(original, 'context', 'appVersion') != '', JSONExtractString(original, 'context', 'appVersion'), JSONExtractString(original, 'context', 'app', 'version'));

-- Items that have left the quarantine, by their position. A row that comes twice says the same twice. by_: the record of the
-- topic quarantine that said so.
CREATE TABLE quarantine_replayed
(
    project          LowCardinality(String),
    epoch            LowCardinality(String),
    topic            LowCardinality(String),
    partition        UInt16,
    offset           UInt64,
    received_at      DateTime64(3, 'UTC'),
    replayed_at      DateTime64(3, 'UTC'),
    by_epoch         LowCardinality(String),
    by_partition     UInt16,
    by_offset        UInt64
)
ENGINE = ReplacingMergeTree
ORDER BY (project, epoch, topic, partition, offset)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, old_parts_lifetime = 480;

-- The last replay that failed of each item that is still there: advice, not accounts.
CREATE TABLE quarantine_tries
(
    project          LowCardinality(String),
    epoch            LowCardinality(String),
    topic            LowCardinality(String),
    partition        UInt16,
    offset           UInt64,
    received_at      DateTime64(3, 'UTC'),
    tried_at         DateTime64(3, 'UTC'),
    reasons          String CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(tried_at)
ORDER BY (project, epoch, topic, partition, offset)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, old_parts_lifetime = 480;
