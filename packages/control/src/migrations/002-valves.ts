/** Valves stop matching events at the collector's door. A closed one stays as a row: its id stands in counts and in quarantine. */
export const sql = /* sql */ `
CREATE TABLE valves (
  id TEXT PRIMARY KEY,
  project TEXT NOT NULL REFERENCES projects (id),
  -- What is stopped: NULL matches anything; at least one of the three is given.
  app_version TEXT,
  event_name TEXT,
  source TEXT,
  action TEXT NOT NULL CHECK (action IN ('quarantine', 'drop')),
  -- Share of the matching events, chosen by their ids.
  ratio REAL NOT NULL CHECK (ratio BETWEEN 0 AND 1),
  reason TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  expires_at_ms INTEGER,
  deleted_at_ms INTEGER,
  CHECK (app_version IS NOT NULL OR event_name IS NOT NULL OR source IS NOT NULL)
) STRICT;
CREATE INDEX valves_by_project ON valves (project);
`;
