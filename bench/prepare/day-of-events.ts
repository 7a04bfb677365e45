/** One day of events in the table `events`, made by SQL: devices that come and go in bursts, some of which log in. */
import { join } from 'node:path';
import { literal } from '@tidemark/warehouse';
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

interface DayPlan {
  links: number;
  /** With a context of 0.35 KB and properties, of which `item` has 300 values, `some` 10 and `many` 100,000. */
  documents?: boolean;
  project?: string;
}

/** Who asks removes the folder. */
export async function dayOfEvents(events: number, plan: DayPlan): Promise<DayOfEvents> {
  const folder = newFolder();
  await runSql(join(folder, 'warehouse'), insertDay(events, plan));
  return { folder, events, devices: devicesOf(plan), links: plan.links };
}

/** Statements that put a day into a warehouse. A visit lasts 12 events, half a minute apart; every other one of a device is logged in. */
export function insertDay(events: number, { links, documents = false, project = DAY_PROJECT }: DayPlan): string[] {
  const order = { devices: devicesOf({ links }), links, documents, project };
  const blocks = Array.from({ length: Math.ceil(events / BLOCK) }, (_, at) => insertBlock(at * BLOCK, Math.min(BLOCK, events - at * BLOCK), order));
  const claims = `INSERT INTO identity_claims (project, device, user, first) SELECT project, anonymous_id, user_id, (time, event_id) FROM events WHERE anonymous_id != '' AND user_id != ''`;
  return [...blocks, claims];
}

function devicesOf({ links }: DayPlan): number {
  return Math.max(links * 2, 1);
}

/** Every visit is of the next device, and begins at a moment of the day that only its number decides. */
function insertBlock(from: number, count: number, { devices, links, documents, project }: Required<DayPlan> & { devices: number }): string {
  const visit = `intDiv(number, ${VISIT})`;
  const device = `cityHash64(${visit}, 'device') % ${devices}`;
  const isLoggedIn = `${device} < ${links} AND ${visit} % 2 = 0`;
  return `INSERT INTO events (project, event_name, time, received_at, original_time, event_id, user_id, anonymous_id, sequence, type, source, page_path, country, device_type, epoch, offset${documents ? ', context, properties' : ''})
    SELECT ${literal(project)}, arrayElement(['page_view', 'page_view', 'click', 'search', 'purchase'], 1 + cityHash64(number) % 5) AS event_name,
      toDateTime64('${DAY} 00:00:00', 3, 'UTC') + toIntervalMillisecond(cityHash64(${visit}, 'begins') % 86000000 + 30000 * (number % ${VISIT})) AS time,
      time AS received_at, time AS original_time, lower(hex(MD5(toString(number)))) AS event_id,
      if(${isLoggedIn}, concat('user-', toString(${device})), '') AS user_id, concat('device-', toString(${device})) AS anonymous_id,
      number AS sequence, 'track' AS type, 'web' AS source, concat('/p/', toString(cityHash64(number) % 1000)) AS page_path,
      arrayElement(['DE', 'US', 'FR', ''], 1 + cityHash64(${device}) % 4) AS country, 'desktop' AS device_type, 'bench' AS epoch, number AS offset${documents ? `, ${contextOf(device)}, ${PROPERTIES}` : ''}
    FROM numbers(${from}, ${count}) WHERE time < toDateTime64('${DAY} 00:00:00', 3, 'UTC') + toIntervalDay(1)`;
}

/** As the door writes it for a browser's event; one in four visits has come by a campaign. */
function contextOf(device: string): string {
  const campaign = `if(intDiv(number, ${VISIT}) % 4 = 0, concat('"campaign":{"source":"', arrayElement(['newsletter', 'search', 'social'], 1 + intDiv(number, ${VISIT}) % 3), '","medium":"cpc","name":"spring"},'), '')`;
  return `concat('{"library":{"name":"tidemark-js","version":"1.0.0"},', ${campaign}, '"page":{"url":"https://shop.example/p/', toString(cityHash64(number) % 1000),
    '","title":"Product number ', toString(cityHash64(number) % 1000), '","referrer":"https://www.google.com/"},"screen":{"width":1920,"height":1080,"density":2},"locale":"en-US","timezone":"Europe/Berlin",',
    '"geo":{"country":"', country, '"},"device":{"type":"desktop"},"os":{"name":"macOS"},"browser":{"name":"Chrome","version":"1', toString(10 + ${device} % 30), '"}}') AS context`;
}

const PROPERTIES = `concat('{"item":"sku-', toString(cityHash64(number, 'item') % 300), '","price":', toString(cityHash64(number) % 300), '.99,"currency":"EUR","quantity":', toString(1 + cityHash64(number) % 3), ',"some":"', toString(cityHash64(number, 'some') % 10), '","many":"', toString(cityHash64(number, 'many') % 100000), '"}') AS properties`;
