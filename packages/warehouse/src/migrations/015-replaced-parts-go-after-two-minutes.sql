-- A part that a merge has replaced was kept for eight minutes, ClickHouse's own measure for merges that nobody synced. Ours are
-- synced before they take its place (min_rows_to_fsync_after_merge), so that it is needed for questions that still read it, and by a
-- snapshot while it links files. Under full load 3,100 such parts lay about, of which the engine held 85 MiB in memory (2026-11-23).
ALTER TABLE events MODIFY SETTING old_parts_lifetime = 120;
ALTER TABLE timeline MODIFY SETTING old_parts_lifetime = 120;
ALTER TABLE event_ids MODIFY SETTING old_parts_lifetime = 120;
ALTER TABLE outcomes MODIFY SETTING old_parts_lifetime = 120;
ALTER TABLE quarantine MODIFY SETTING old_parts_lifetime = 120;
ALTER TABLE quarantine_replayed MODIFY SETTING old_parts_lifetime = 120;
ALTER TABLE quarantine_tries MODIFY SETTING old_parts_lifetime = 120;
ALTER TABLE identity_claims MODIFY SETTING old_parts_lifetime = 120;
ALTER TABLE identity_links MODIFY SETTING old_parts_lifetime = 120;
ALTER TABLE trait_changes MODIFY SETTING old_parts_lifetime = 120;
ALTER TABLE rollup_rows MODIFY SETTING old_parts_lifetime = 120;
ALTER TABLE rollup_buckets MODIFY SETTING old_parts_lifetime = 120;
ALTER TABLE rollup_marks MODIFY SETTING old_parts_lifetime = 120;
ALTER TABLE rollup_lines MODIFY SETTING old_parts_lifetime = 120;
ALTER TABLE cohort_members MODIFY SETTING old_parts_lifetime = 120;
