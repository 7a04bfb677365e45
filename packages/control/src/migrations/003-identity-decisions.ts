/** What people decided about who is one person. Rows are only added: the last one about a pair of nodes holds. */
export const sql = /* sql */ `
CREATE TABLE identity_decisions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  project TEXT NOT NULL REFERENCES projects (id),
  verdict TEXT NOT NULL CHECK (verdict IN ('merge', 'cut')),
  -- 'u' and a userId, or 'a' and an anonymousId: user x is not device x. In byte order, so that a pair has one form.
  node_a TEXT NOT NULL CHECK (substr(node_a, 1, 1) IN ('u', 'a') AND length(node_a) > 1),
  node_b TEXT NOT NULL CHECK (substr(node_b, 1, 1) IN ('u', 'a') AND node_a < node_b),
  reason TEXT NOT NULL,
  made_at_ms INTEGER NOT NULL,
  -- An API token's id.
  made_by TEXT NOT NULL
) STRICT;
CREATE INDEX identity_decisions_by_project ON identity_decisions (project, id);
`;
