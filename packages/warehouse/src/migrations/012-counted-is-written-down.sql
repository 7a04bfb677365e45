-- In parts that are older than 010, `counted` is a default made of `version`. Where a condition on `version` is moved to PREWHERE,
-- chDB 26.7 reads such a default as 0: then hours and days that were never made passed for up to date, and what they should
-- have held was not counted. Written down it is read; what has been written since stays as it is.
ALTER TABLE rollup_buckets MATERIALIZE COLUMN counted SETTINGS mutations_sync = 2;
