/** The consent category that events are captured under: one that the client says was denied is not stored. */
export const sql = /* sql */ `
ALTER TABLE settings ADD COLUMN consent_category TEXT DEFAULT 'analytics';
`;
