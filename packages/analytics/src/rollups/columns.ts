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

/** SQL of a property's Nullable(String) text over a row of `rollups`; undefined when these don't hold it. */
export function rollupText(name: string): string | undefined {
  if (Object.hasOwn(SAME, name)) return `nullIf(${SAME[name]}, '')`;
  return Object.hasOwn(TEXT_COLUMNS, name) ? TEXT_COLUMNS[name] : undefined;
}
