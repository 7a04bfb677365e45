/**
 * SQL in a .ts file, so that every bundler and test runner takes it along without a loader of its own.
 * Times are epoch milliseconds. A revoked or deleted row stays: its id must not come to mean something else.
 */
export const sql = /* sql */ `
CREATE TABLE projects (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  -- Set first: from then on its keys and tokens open nothing. purged_at_ms follows when its events are gone.
  deleted_at_ms INTEGER,
  purged_at_ms INTEGER
) STRICT;

CREATE TABLE settings (
  project TEXT PRIMARY KEY REFERENCES projects (id),
  bots TEXT NOT NULL DEFAULT 'flag' CHECK (bots IN ('flag', 'drop')),
  ip TEXT NOT NULL DEFAULT 'drop' CHECK (ip IN ('drop', 'truncate', 'keep')),
  retention_days INTEGER CHECK (retention_days BETWEEN 1 AND 36500)
) STRICT;

CREATE TABLE sources (
  project TEXT NOT NULL REFERENCES projects (id),
  -- Chosen by people, for it stands on every event and in the names of lake files.
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  deleted_at_ms INTEGER,
  PRIMARY KEY (project, id)
) STRICT;

-- Write keys are kept plain: they stand in the source of every web page and only let events in.
CREATE TABLE write_keys (
  key TEXT PRIMARY KEY,
  project TEXT NOT NULL,
  source TEXT NOT NULL,
  events_per_second REAL CHECK (events_per_second > 0),
  bytes_per_second REAL CHECK (bytes_per_second > 0),
  created_at_ms INTEGER NOT NULL,
  revoked_at_ms INTEGER,
  FOREIGN KEY (project, source) REFERENCES sources (project, id)
) STRICT;
CREATE INDEX write_keys_by_project ON write_keys (project);

CREATE TABLE api_tokens (
  id TEXT PRIMARY KEY,
  project TEXT NOT NULL REFERENCES projects (id),
  name TEXT NOT NULL,
  -- SHA-256 of the token. The token itself is shown once and kept nowhere.
  hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
  prefix TEXT NOT NULL,
  admin INTEGER NOT NULL CHECK (admin IN (0, 1)),
  created_at_ms INTEGER NOT NULL,
  last_used_at_ms INTEGER,
  revoked_at_ms INTEGER
) STRICT;
CREATE INDEX api_tokens_by_project ON api_tokens (project);

-- Every version stays; the newest is what a name means.
CREATE TABLE saved_questions (
  project TEXT NOT NULL REFERENCES projects (id),
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  version INTEGER NOT NULL,
  body TEXT NOT NULL CHECK (json_valid(body)),
  created_at_ms INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  deleted_at_ms INTEGER,
  PRIMARY KEY (project, kind, name, version)
) STRICT;

CREATE TABLE audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms INTEGER NOT NULL,
  project TEXT NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  detail TEXT NOT NULL CHECK (json_valid(detail))
) STRICT;
CREATE INDEX audit_by_project ON audit (project, id);
`;
