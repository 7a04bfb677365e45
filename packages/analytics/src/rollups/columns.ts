/** What rollups hold of each event, by the name that questions use. All else is answered from the events. */

/** Columns that are the same in events and rollups. */
const SAME: Readonly<Record<string, string>> = { eventName: 'event_name', source: 'source' };

/** Columns of rollups that hold the text of a property of the context, as a question would read it (rule P2). */
export const TEXT_COLUMNS: Readonly<Record<string, string>> = {
  'context.geo.country': 'country',
  'context.device.type': 'device_type',
  'context.channel': 'channel',
  'context.campaign.source': 'campaign_source',
  'context.campaign.medium': 'campaign_medium',
  'context.campaign.name': 'campaign_name',
};

/** Holds the text of the one property that a project has named, in rollups by that property. */
export const VALUE_COLUMN = 'value';

/** An event's own columns that a project may name: userId, anonymousId and sessionId have as many values as there are users. */
const NAMEABLE = ['type', 'groupId', 'schemaVersion'];
/** Of traits, persons and groups another event may change what is read: only what stands in the event itself stays the same. */
const IN_DOCUMENT = /^(properties|context)(\.[^.]+)+$/;

/** May a project name the property as one to keep rollups by? */
export function isNameable(name: string): boolean {
  return !isFixed(name) && (NAMEABLE.includes(name) || IN_DOCUMENT.test(name));
}

/** Do all rollups hold the property as the events do? */
export function isInAll(name: string): boolean {
  return Object.hasOwn(SAME, name);
}

/** Do the rollups of the fixed dimensions, and no others, hold the property? */
export function isFixed(name: string): boolean {
  return Object.hasOwn(TEXT_COLUMNS, name);
}

/** SQL of a property's Nullable(String) text over a row of rollups that hold it; undefined when none can. */
export function rollupText(name: string): string | undefined {
  if (isInAll(name)) return `nullIf(${SAME[name]}, '')`;
  if (isFixed(name)) return TEXT_COLUMNS[name];
  return isNameable(name) ? VALUE_COLUMN : undefined;
}
