/**
 * Texts that stand where an id should be when a client is broken: one of them as a userId would merge strangers into
 * one person. Compared without case and surrounding space. The start of the list is DESIGN section 4; the rest are the
 * placeholders that other vendors refuse too.
 */
const ILLEGAL_IDS = new Set([
  'null',
  'undefined',
  '[object object]',
  'nan',
  'true',
  'false',
  '0',
  'anonymous',
  'guest',
  'nil',
  'none',
  'n/a',
  '-1',
  'unknown',
  'anon',
  'not_authenticated',
  'unauthenticated',
  'distinct_id',
  'distinctid',
  'user_id',
  'userid',
  'anonymous_id',
  'anonymousid',
  'id',
  'email',
  '[object undefined]',
  '[object null]',
  '00000000-0000-0000-0000-000000000000',
  '(null)',
  '""',
  "''",
  '{}',
  '[]',
]);
const LONGEST_ILLEGAL_ID = 36;

/** True for a text that is never the id of anybody: white space alone, or a placeholder like "undefined". */
export function isIllegalId(id: string): boolean {
  // Nearly every id is longer than a placeholder or starts with none; trim() only costs when there is space to cut.
  if (id.length > LONGEST_ILLEGAL_ID) return id.trim().length <= LONGEST_ILLEGAL_ID && isIllegalId(id.trim());
  const plain = id.trim().toLowerCase();
  return plain === '' || ILLEGAL_IDS.has(plain);
}
