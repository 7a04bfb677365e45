/** Which of the warehouse's members a static cohort has, and how many they are: `{"id", "people", "ids"}`. */
export const sql = /* sql */ `
ALTER TABLE saved_questions ADD COLUMN members TEXT CHECK (members IS NULL OR json_valid(members));
`;
