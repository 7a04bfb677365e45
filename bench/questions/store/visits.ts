/**
 * The events of a shop with a million people, as SQL over numbers: event n is always the same, whoever asks and in
 * whichever block. They come in the order of time, as a log's do.
 *
 * Twenty neighbouring numbers are four visits of 1 to 13 events. Who visits is drawn with a skew (a thousandth of the people
 * make 3 % of the visits, the busiest of a million some 2,000). Two in five people have an account and log in during three in
 * five of their visits; three in ten have two devices; one in fifty shares one with two others; 3 % of the visits are bots'.
 * A visit goes so many steps towards a purchase, and does else what names and pages with a Zipf tail say.
 */
import { literal } from '@tidemark/warehouse';

export interface VisitsPlan {
  project: string;
  /** Of the last event's day, epoch ms: midnight, exclusive. */
  endMs: number;
  /** Of the whole store, so that blocks of it agree. */
  events: number;
  days: number;
  seed: number;
}

const DAY_MS = 86_400_000;
/** A day's visits begin this long before its end, so that all of them end in it. */
const LAST_VISIT_MS = 3_600_000;
const EVENTS_A_DRAW = 20;
/** Where the visits of twenty events begin. */
const CUTS = '[[0, 1, 4, 9], [0, 2, 3, 12], [0, 1, 2, 7], [0, 5, 6, 13]]';
export const FUNNEL_STEPS = ['product_viewed', 'add_to_cart', 'checkout_started', 'payment', 'purchase'] as const;
/** Of people: of ten million events a million are seen. */
const PEOPLE_PER_EVENT = 1 / 8;
const FEATURES = 40;
const PRODUCTS = 20_000;

/** Columns of `staging` that are set, each with its expression; the others are empty. */
export function stagedVisits(plan: VisitsPlan, from: number, count: number): string {
  const columns = rowOf(plan);
  return `INSERT INTO staging (${columns.map(([column]) => column).join(', ')})
WITH ${definitions(plan).map(([name, expression]) => `${expression} AS ${name}`).join(',\n  ')}
SELECT ${columns.map(([, expression]) => expression).join(', ')} FROM numbers(${from}, ${count})`;
}

function definitions({ endMs, events, days, seed }: VisitsPlan): (readonly [name: string, expression: string])[] {
  const draw = (of: string, what: string): string => `cityHash64(${of}, '${what}', ${seed})`;
  const uniform = (of: string, what: string): string => `(${draw(of, what)} / 18446744073709551616)`;
  const zipf = (of: string, what: string, count: number): string => `toUInt32(floor(exp(${uniform(of, what)} * log(${count}))))`;
  const pick = (of: string, what: string, texts: readonly string[]): string => `arrayElement([${texts.map(literal).join(', ')}], 1 + ${draw(of, what)} % ${texts.length})`;
  const people = Math.max(100, Math.round(events * PEOPLE_PER_EVENT));
  const perDay = Math.ceil(events / days);
  const begins = (from: string): string => `arrayLast(s -> s <= number % ${EVENTS_A_DRAW}, ${from})`;
  return [
    ['cut', `arrayElement(${CUTS}, 1 + ${draw(`intDiv(number, ${EVENTS_A_DRAW})`, 'cut')} % 4)`],
    ['pos', `toUInt32(number % ${EVENTS_A_DRAW} - ${begins('cut')})`],
    ['visit', 'number - pos'],
    ['is_bot', `${uniform('visit', 'bot')} < 0.03`],
    ['person', `toUInt32(floor(${people} * pow(${uniform('visit', 'person')}, 2)))`],
    ['device', `multiIf(is_bot, concat('b0b0b0b0-5a41-4c3e-9f10-', leftPad(toString(person % 2000), 12, '0')),
      person % 50 = 0, concat('5d5d5d5d-5a41-4c3e-9f10-', leftPad(toString(intDiv(person, 150)), 12, '0')),
      concat('0b9d2c7e-5a41-4c3e-9f10-', leftPad(toString(2 * person + if(person % 10 < 3, ${draw('visit', 'device')} % 2, 0)), 12, '0')))`],
    ['logs_in', `NOT is_bot AND ${draw('person', 'account')} % 5 < 2 AND ${uniform('visit', 'login')} < 0.6`],
    ['login_at', `1 + ${draw('visit', 'login_at')} % 3`],
    // Some had another account before, and in every other visit still use it; an alias event joins the two.
    ['user', `if(logs_in AND pos >= login_at, concat(if(person % 400 = 7 AND intDiv(visit, 2) % 2 = 0, 'old-', 'user-'), toString(person)), '')`],
    // More in the evening than at night: the mean of two draws, around 15:00.
    ['at', `toInt64(${endMs - days * DAY_MS} + intDiv(visit, ${perDay}) * ${DAY_MS} + (${DAY_MS - LAST_VISIT_MS}) * pow((${uniform('visit', 'hour')} + ${uniform('visit', 'hour2')}) / 2, 0.7) + 20000 * pos + ${draw('number', 'pause')} % 15000)`],
    ['drawn_depth', uniform('visit', 'depth')],
    ['depth', 'multiIf(drawn_depth < 0.55, 0, drawn_depth < 0.75, 1, drawn_depth < 0.88, 2, drawn_depth < 0.94, 3, drawn_depth < 0.97, 4, 5)'],
    ['kind', uniform('number', 'kind')],
    ['type', `multiIf(user != '' AND pos = login_at AND ${draw('visit', 'identify')} % 4 = 0, 'identify', is_bot, 'page', user != '' AND pos = login_at + 1 AND ${draw('visit', 'group')} % 200 = 0, 'group',
      startsWith(user, 'user-') AND pos = login_at + 1 AND person % 400 = 7, 'alias', pos = 0, 'page', 'track')`],
    ['name', `multiIf(type = 'page', 'page_view', type != 'track', type, pos <= depth, arrayElement([${FUNNEL_STEPS.map(literal).join(', ')}], pos), pos = 1 AND kind < 0.3, 'experiment_viewed',
      kind < 0.4, 'page_view', kind < 0.55, 'product_viewed', kind < 0.67, 'search', kind < 0.77, 'click', kind < 0.8, 'add_to_cart', kind < 0.85, 'video_played', kind < 0.855, 'purchase',
      concat('feature_', toString(${zipf('number', 'feature', FEATURES)})))`],
    ['product', zipf('number', 'product', PRODUCTS)],
    ['category', `concat('category-', toString(product % 17))`],
    ['price', `toString((product * 7 % 30000) / 100)`],
    ['properties_text', `multiIf(
      name IN ('product_viewed', 'add_to_cart', 'purchase', 'checkout_started', 'payment'), concat('{"product_id":"sku-', toString(product), '","name":"Product number ', toString(product), '","category":"', category, '","price":', price, ',"currency":"EUR","quantity":', toString(1 + number % 3), ',"in_stock":', if(product % 5 = 0, 'false', 'true'), '}'),
      name = 'search', concat('{"query":"words ', toString(${zipf('number', 'query', 5_000)}), '","results":', toString(number % 40), '}'),
      name = 'experiment_viewed', concat('{"experiment":"checkout","variant":"', if(${draw('person', 'variant')} % 2 = 0, 'control', 'b'), '"}'),
      name = 'page_view', concat('{"visit_id":"v-', toString(visit), '","position":', toString(pos), '}'),
      concat('{"label":"label ', toString(number % 100), '","value":', toString(number % 1000), '}'))`],
    ['country', pick('person', 'country', ['DE', 'DE', 'DE', 'US', 'US', 'FR', 'GB', 'NL', 'AT', 'IN'])],
    ['device_type', pick('device', 'device_type', ['desktop', 'mobile', 'mobile', 'tablet'])],
    ['browser', pick('device', 'browser', ['Chrome', 'Chrome', 'Safari', 'Firefox', 'Edge'])],
    ['os', pick('device', 'os', ['Windows', 'macOS', 'iOS', 'Android'])],
    ['came', `${draw('visit', 'came')} % 10`],
    ['channel', `arrayElement(['direct', 'direct', 'direct', 'search', 'search', 'email', 'email', 'paid_search', 'social', 'referral'], came + 1)`],
    ['path', `multiIf(name = 'page_view' AND pos = 0, '/', name IN ('product_viewed', 'add_to_cart'), concat('/products/', toString(product)), concat('/pages/', toString(${zipf('number', 'page', 500)})))`],
    ['plan', `if(${draw('person', 'plan')} % 4 = 0, 'pro', 'free')`],
    ['company', 'toString(person % 5000)'],
  ];
}

/** As the collector and its enrichment leave an event that states its country, software, page, campaign and channel itself. */
function rowOf({ project }: VisitsPlan): (readonly [column: string, expression: string])[] {
  const hasCampaign = `came IN (5, 6)`;
  return [
    ['offset', 'number'],
    ['key', `MD5(concat(${literal(project)}, char(0), event_id))`],
    ['flags', 'toUInt16(0)'],
    ['bot', 'toUInt8(is_bot)'],
    ['time', `fromUnixTimestamp64Milli(at, 'UTC')`],
    ['received_at', `fromUnixTimestamp64Milli(at, 'UTC')`],
    ['original_time', `fromUnixTimestamp64Milli(at, 'UTC')`],
    ['sequence', 'toInt64(number)'],
    ['project', literal(project)],
    ['source', `'default'`],
    ['event_name', 'name'],
    ['type', 'type'],
    ['event_id', `concat('00000000-0000-4000-8000-', leftPad(toString(number), 12, '0')) AS event_id`],
    ['user_id', 'user'],
    ['anonymous_id', 'device'],
    ['session_id', `concat('s-', toString(visit))`],
    ['group_id', `if(type = 'group' OR person % 10 = 1, concat('company-', company), '')`],
    ['previous_id', `if(type = 'alias', concat('old-', toString(person)), '')`],
    ['country', 'country'],
    ['os', 'os'],
    ['browser', 'browser'],
    ['device_type', 'device_type'],
    ['channel', 'channel'],
    ['campaign_source', `if(${hasCampaign}, 'newsletter', '')`],
    ['campaign_medium', `if(${hasCampaign}, 'email', '')`],
    ['campaign_name', `if(${hasCampaign}, concat('mail-', toString(visit % 12)), '')`],
    ['page_path', 'path'],
    ['app_version', `concat('4.', toString(person % 10), '.0')`],
    ['locale', `'en-US'`],
    ['properties', 'properties_text'],
    ['context', `concat('{"page":{"path":"', path, '"},"geo":{"country":"', country, '"},"os":{"name":"', os, '"},"browser":{"name":"', browser, '"},"device":{"type":"', device_type, '"},"channel":"', channel, '",',
      if(${hasCampaign}, concat('"campaign":{"source":"newsletter","medium":"email","name":"mail-', toString(visit % 12), '"},'), ''), if(is_bot, '"userAgent":"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",', ''),
      '"app":{"version":"4.', toString(person % 10), '.0"},"locale":"en-US","screen":{"width":1920,"height":1080}}')`],
    ['traits', `multiIf(type = 'identify', concat('{"plan":"', plan, '","country":"', country, '"}'), type = 'group', concat('{"size":', toString(person % 500), '}'), '{}')`],
    ['property_index', `CAST(properties_text, 'JSON(max_dynamic_paths = 64)')`],
  ];
}
