-- What the events say of identity, kept beside them so that no question has to read all events for it. Cached, never the
-- truth: src/derived.ts says how a row is made of an event. Of the rows of one key the least `first` counts, whichever way
-- and how often they came. Small granules: one person is looked up in two or three of them.

-- A device was seen with a user: an event that carries both, or an alias whose previousId is the device.
CREATE TABLE identity_claims
(
    project  LowCardinality(String),
    device   String CODEC(ZSTD(1)),
    user     String CODEC(ZSTD(1)),
    first    SimpleAggregateFunction(min, Tuple(time DateTime64(3, 'UTC'), event_id String)) CODEC(ZSTD(1)),
    INDEX by_user user TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = AggregatingMergeTree
ORDER BY (project, device, user)
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, old_parts_lifetime = 480;

-- Two users are one person: an alias event.
CREATE TABLE identity_links
(
    project   LowCardinality(String),
    user      String CODEC(ZSTD(1)),
    previous  String CODEC(ZSTD(1)),
    first     SimpleAggregateFunction(min, Tuple(time DateTime64(3, 'UTC'), event_id String)) CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
ORDER BY (project, user, previous)
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, old_parts_lifetime = 480;

-- The same SELECTs as in src/derived.ts, of the events that are there already.
INSERT INTO identity_claims (project, device, user, first)
SELECT project, anonymous_id, user_id, (time, event_id) FROM events WHERE anonymous_id != '' AND user_id != '';
INSERT INTO identity_claims (project, device, user, first)
SELECT project, previous_id, user_id, (time, event_id) FROM events WHERE type = 'alias' AND user_id != '' AND previous_id != '' AND previous_id != user_id;
INSERT INTO identity_links (project, user, previous, first)
SELECT project, user_id, previous_id, (time, event_id) FROM events WHERE type = 'alias' AND user_id != '' AND previous_id != '' AND previous_id != user_id;
