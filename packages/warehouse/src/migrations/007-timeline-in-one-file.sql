-- The timeline is read by rows: a page, an export and a rebuild need nearly all columns. In parts of one file that is one
-- reading in place of twenty, at any size; a part of 300,000 events takes 0.7 us a row more to merge (chDB 26.7, 2026-11-22).
ALTER TABLE timeline MODIFY SETTING min_bytes_for_wide_part = 1000000000000;
