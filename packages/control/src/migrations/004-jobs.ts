/** What the jobs of the engine did last, who is at one just now, and what people let them delete. */
export const sql = /* sql */ `
CREATE TABLE jobs (
  name TEXT PRIMARY KEY,
  -- The lease: until then no other engine runs the job. A killed holder's lapses.
  holder TEXT,
  lease_until_ms INTEGER,
  started_at_ms INTEGER,
  -- The last round that ended.
  ended_at_ms INTEGER,
  duration_ms REAL,
  rows INTEGER,
  result TEXT,
  error TEXT,
  error_code TEXT,
  -- JSON: what the last round did not delete because it was too much to be believed.
  held_back TEXT NOT NULL DEFAULT '[]'
) STRICT;

CREATE TABLE job_confirmations (
  job TEXT NOT NULL,
  -- '' = no project's.
  project TEXT NOT NULL,
  -- What was confirmed, such as 'retentionDays=30': another value has to be confirmed anew.
  setting TEXT NOT NULL,
  confirmed_at_ms INTEGER NOT NULL,
  -- An API token's id.
  confirmed_by TEXT NOT NULL,
  PRIMARY KEY (job, project, setting)
) STRICT;

-- Quarantined items are kept with their bytes for people to look at; unbounded, one broken sender would fill the disk.
ALTER TABLE settings ADD COLUMN quarantine_days INTEGER DEFAULT 90 CHECK (quarantine_days BETWEEN 1 AND 36500);
`;
