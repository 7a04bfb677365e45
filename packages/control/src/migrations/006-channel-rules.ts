/** The project's own rules of which channel an event came by. */
export const sql = /* sql */ `
ALTER TABLE settings ADD COLUMN channel_rules TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(channel_rules));
`;
