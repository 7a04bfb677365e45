/** Times go over the wire as RFC 3339 in UTC with milliseconds. */
export function toRfc3339(epochMs: number): string {
  return new Date(epochMs).toISOString();
}

/** Milliseconds of a ClickHouse DateTime64 text in UTC, `2026-05-03 10:00:00.123`. */
export function ofWarehouseTime(text: string): number {
  return Date.parse(`${text.replace(' ', 'T')}Z`);
}
