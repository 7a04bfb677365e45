-- A look-up of an id reads one granule of 4 KB in each part; in blocks of 64 KB it read, and checked, sixteen times that.
ALTER TABLE event_ids MODIFY SETTING min_compress_block_size = 4096, max_compress_block_size = 4096;
