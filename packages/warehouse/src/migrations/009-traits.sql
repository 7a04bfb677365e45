-- What was said of persons and groups, event by event: traits of identify, group and `$set`. Cached like the tables of 006, and
-- made again from events; a row that comes twice says the same twice.
CREATE TABLE trait_changes
(
    project       LowCardinality(String),
    is_of_group   UInt8,
    user_id       String CODEC(ZSTD(1)),
    anonymous_id  String CODEC(ZSTD(1)),
    group_id      String CODEC(ZSTD(1)),
    time          DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    sequence      Int64 CODEC(T64, ZSTD(1)),
    event_id      String CODEC(ZSTD(1)),
    traits        String CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
ORDER BY (project, is_of_group, user_id, anonymous_id, group_id, time, sequence, event_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, old_parts_lifetime = 480;

INSERT INTO trait_changes (project, is_of_group, user_id, anonymous_id, group_id, time, sequence, event_id, traits)
SELECT project, type = 'group', user_id, anonymous_id, group_id, time, sequence, event_id, traits FROM events WHERE traits NOT IN ('', '{}');
