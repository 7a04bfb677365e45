/** Properties that a project has its rollups kept by, besides those that all projects have. */
export const sql = /* sql */ `
ALTER TABLE settings ADD COLUMN rollup_properties TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(rollup_properties));
`;
