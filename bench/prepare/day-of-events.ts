/** One day of events in the table `events`, made by SQL: devices that come and go in bursts, some of which log in. */
import { join } from 'node:path';
import { newFolder } from '../server/temporary.ts';
import { runSql } from './sql.ts';

export const DAY = '2026-05-03';
export const DAY_PROJECT = 'bench';
/** Consecutive events of one visit. */
const VISIT = 12;
const BLOCK = 1_000_000;

export interface DayOfEvents {
  folder: string;
  events: number;
  devices: number;
  /** Devices that log in, each as one of `users`: so many links. */
  links: number;
}

/** Who asks removes the folder. A visit lasts 12 events, half a minute apart; every other one of a device is logged in. */
export async function dayOfEvents(events: number, links: number): Promise<DayOfEvents> {
  const folder = newFolder();
  const devices = Math.max(links * 2, 1);
  const blocks = Array.from({ length: Math.ceil(events / BLOCK) }, (_, at) => insertBlock(at * BLOCK, Math.min(BLOCK, events - at * BLOCK), devices, links));
  const claims = `INSERT INTO identity_claims (project, device, user, first) SELECT project, anonymous_id, user_id, (time, event_id) FROM events WHERE anonymous_id != '' AND user_id != ''`;
  await runSql(join(folder, 'warehouse'), [...blocks, claims]);
  return { folder, events, devices, links };
}

/** Every visit is of the next device, and begins at a moment of the day that only its number decides. */
function insertBlock(from: number, count: number, devices: number, links: number): string {
  const visit = `intDiv(number, ${VISIT})`;
  const device = `cityHash64(${visit}, 'device') % ${devices}`;
  const isLoggedIn = `${device} < ${links} AND ${visit} % 2 = 0`;
  return `INSERT INTO events (project, event_name, time, received_at, original_time, event_id, user_id, anonymous_id, sequence, type, source, page_path, country, device_type, epoch, offset)
    SELECT '${DAY_PROJECT}', arrayElement(['page_view', 'page_view', 'click', 'search', 'purchase'], 1 + cityHash64(number) % 5) AS event_name,
      toDateTime64('${DAY} 00:00:00', 3, 'UTC') + toIntervalMillisecond(cityHash64(${visit}, 'begins') % 86000000 + 30000 * (number % ${VISIT})) AS time,
      time AS received_at, time AS original_time, lower(hex(MD5(toString(number)))) AS event_id,
      if(${isLoggedIn}, concat('user-', toString(${device})), '') AS user_id, concat('device-', toString(${device})) AS anonymous_id,
      number AS sequence, 'track' AS type, 'web' AS source, concat('/p/', toString(cityHash64(number) % 1000)) AS page_path,
      arrayElement(['DE', 'US', 'FR', ''], 1 + cityHash64(${device}) % 4) AS country, 'desktop' AS device_type, 'bench' AS epoch, number AS offset
    FROM numbers(${from}, ${count}) WHERE time < toDateTime64('${DAY} 00:00:00', 3, 'UTC') + toIntervalDay(1)`;
}
