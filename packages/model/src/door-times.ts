/** Times on the wire as docs/protocol.md T1 to T3 say, by a regular expression and a calendar. */

const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):?(\d\d))$/;
const MONTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Epoch ms, or the code of the fault. `lastMs` is the latest time that is taken. */
export function readTime(given: unknown, lastMs: number): number | 'invalid_timestamp' | 'timestamp_out_of_range' {
  let ms: number | undefined;
  if (typeof given === 'number') ms = given >= 1e8 && given < 1e11 ? undefined : Math.floor(given);
  else if (typeof given === 'string') ms = readText(given);
  if (ms === undefined) return 'invalid_timestamp';
  // + 0: there is no time of -0.
  return ms >= 0 && ms <= lastMs ? ms + 0 : 'timestamp_out_of_range';
}

function readText(text: string): number | undefined {
  const found = text.length <= 40 ? RFC_3339.exec(text) : null;
  if (found === null) return undefined;
  const [year, month, day, hour, minute, second] = found.slice(1, 7).map(Number) as [number, number, number, number, number, number];
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const days = month === 2 && leap ? 29 : (MONTHS[month - 1] ?? 0);
  if (day < 1 || day > days || hour > 23 || minute > 59 || second > (minute === 59 ? 60 : 59)) return undefined;
  const [offsetHours, offsetMinutes] = [Number(found[9] ?? 0), Number(found[10] ?? 0)];
  if (offsetHours > 23 || offsetMinutes > 59) return undefined;
  const east = (found[8] === '-' ? -1 : 1) * (offsetHours * 60 + offsetMinutes);
  const ms = Number((found[7] ?? '').padEnd(3, '0').slice(0, 3));
  return utcMs(year, month, day) + ((hour * 60 + minute - east) * 60 + second) * 1000 + ms;
}

/** Epoch ms of the beginning of a day, by counting days: https://howardhinnant.github.io/date_algorithms.html */
export function utcMs(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return (era * 146_097 + dayOfEra - 719_468) * 86_400_000;
}
