-- Refused rows come from the topic events: their offsets must not be mistaken for those of the topic quarantine.
ALTER TABLE quarantine ADD COLUMN IF NOT EXISTS topic LowCardinality(String) DEFAULT 'quarantine';
