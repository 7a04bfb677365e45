-- The ids of the people of static cohorts, as of when they were saved: which nobody could make again. `members` is that saving; it
-- counts while the newest version of a saved cohort names it.
CREATE TABLE cohort_members
(
    project  LowCardinality(String),
    members  LowCardinality(String),
    node     String CODEC(ZSTD(1))
)
ENGINE = MergeTree
ORDER BY (project, members, node)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, old_parts_lifetime = 480;
