/** Reading of /proc, pure, so that it can be tested on texts. proc(5). */

/** Linux counts CPU in these; the kernel has told user space 100 a second on every platform for decades. */
export const TICKS_PER_SECOND = 100;

export interface Ticks {
  user: number;
  system: number;
}

/** Of /proc/PID/stat or /proc/PID/task/TID/stat. The name stands in brackets and may hold brackets and spaces itself. */
export function parseStat(text: string): Ticks & { name: string } {
  const end = text.lastIndexOf(')');
  const fields = text.slice(end + 2).split(' ');
  // After the name: state is field 3 of the manual, utime 14, stime 15.
  return { name: text.slice(text.indexOf('(') + 1, end), user: Number(fields[11]), system: Number(fields[12]) };
}

/** Bytes of one line of /proc/PID/status, such as `RssAnon`; 0 when it isn't there. */
export function parseStatusBytes(text: string, field: string): number {
  const found = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1];
  return found === undefined ? 0 : Number(found) * 1024;
}

/** The first line of /proc/stat: ticks of all cores that were idle or waited for a disk, and all ticks. */
export function parseIdle(text: string): { idle: number; total: number } {
  const [, ...ticks] = text.slice(0, text.indexOf('\n')).trim().split(/\s+/).map(Number);
  // The last two, guest times, are counted in user and nice already.
  const total = ticks.slice(0, 8).reduce((sum, each) => sum + each, 0);
  return { idle: (ticks[3] ?? 0) + (ticks[4] ?? 0), total };
}
