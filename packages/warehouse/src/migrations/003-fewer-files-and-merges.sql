-- Parts of up to 256 MB keep their columns in one file. A part of 50,000 events had some 300 files, and to create them cost
-- 1.7 us of CPU an event, besides what writing and merging them did (chDB 26.7, 2026-11-22).
-- Merges take at least 10 parts: a pass over a row costs some 4 us a table, and 30 parts of 50,000 events were
-- merged in 6.4 us an event by default, in 4.1 us by twelves.
ALTER TABLE events MODIFY SETTING min_bytes_for_wide_part = 268435456, min_parts_to_merge_at_once = 10;
ALTER TABLE timeline MODIFY SETTING min_bytes_for_wide_part = 268435456, min_parts_to_merge_at_once = 10;
ALTER TABLE event_ids MODIFY SETTING min_parts_to_merge_at_once = 10;
ALTER TABLE outcomes MODIFY SETTING min_parts_to_merge_at_once = 10;
