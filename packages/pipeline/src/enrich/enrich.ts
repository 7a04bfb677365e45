/**
 * What the server adds to an event's context: country, system, browser, device, campaign, referrer and channel
 * (protocol rules N1 to N6). What the client says itself always holds; only what it leaves open is filled.
 */
import type { DecodedEvent, Enrichment, EventJson, JsonObject, JsonValue } from '@tidemark/event';
import { Additions, memberOf } from '../additions.ts';
import { plainAddress, truncateAddress } from './address.ts';
import type { RequestFacts } from '../admission.ts';
import { BoundedCache } from '../bounded-cache.ts';
import { createCampaignReader, statedCampaign } from './campaign.ts';
import { channelOf, channelOfReferrer } from './channel.ts';
import { statedDeviceType } from './device.ts';
import type { CountryOf } from './geo.ts';
import { createUserAgentReader, deviceTypeOf, MAX_USER_AGENT_LENGTH } from './user-agent.ts';
import { hostOf, isSameSite, pathOf, queryOf } from './web-address.ts';

interface Enriched extends Enrichment {
  /** JSON text of the whole context. */
  context: string;
  /** What it has behind the client's own text, before the closing brace; undefined when that is not as it came. */
  contextAdded: string | undefined;
  bot: boolean;
}

export type Enrich = (event: DecodedEvent, facts: RequestFacts, json: EventJson) => Enriched;

/** Columns are for menus and grouping; the full text stays in the context. */
const MAX_COLUMN_LENGTH = 300;
/** Addresses come with many events, and to cut one into its network takes 0.3 us. */
const CACHED_ADDRESSES = 4_096;
/** Addresses of pages, most of which few are asked for most of the time; and of those that people come from. */
const CACHED_PAGES = 4_096;
const CACHED_REFERRERS = 4_096;

/**
 * Libraries that run on servers: the address they send from is a data centre's, not the person's (N1). They say whose
 * address they mean in `context.ip`.
 */
const SERVER_LIBRARIES: ReadonlySet<unknown> = new Set([
  '@tidemark/node',
  '@segment/analytics-node',
  'analytics-node',
  'analytics-python',
  'analytics-ruby',
  'analytics-go',
  'analytics-java',
  'analytics-php',
  '@rudderstack/rudder-sdk-node',
  'rudder-sdk-node',
  'posthog-node',
  'posthog-python',
]);

export function createEnrich({ countryOf }: { countryOf: CountryOf }): Enrich {
  const readUserAgent = createUserAgentReader();
  const readCampaign = createCampaignReader();
  const addresses = new BoundedCache(CACHED_ADDRESSES, keptForms);
  const pages = new BoundedCache(CACHED_PAGES, (url) => ({ host: hostOf(url), path: pathOf(url), linked: readCampaign(queryOf(url)) }));
  const referrers = new BoundedCache(CACHED_REFERRERS, (referrer) => {
    const host = hostOf(referrer);
    return { host, channel: channelOfReferrer(host), member: memberOf('referrer', { host }) };
  });

  return function enrich(event, facts, { texts, wideNumbers }) {
    const { context } = event;
    const added = new Additions(context, texts?.context);

    // N1, N2: address and country.
    const ownAddress = textOf(context['ip']);
    const ofRequest = ownAddress === '' && sendsForItself(context);
    const address = ofRequest ? (facts.ip ?? '') : ownAddress;
    const { ip } = facts.settings;
    if (ip !== 'keep' || context['ip'] !== address || address === '')
      keepAddress(added, context, ip === 'drop' || address === '' ? NO_ADDRESS : addresses.get(address)[ip]);
    const stated = textOf(objectOf(context['geo'])?.['country']);
    const lookedUp = ofRequest && facts.replayed !== undefined ? facts.replayed.country : address === '' ? '' : countryOf(address);
    const country = stated.length === 2 ? stated.toUpperCase() : lookedUp;
    if (country !== '') added.fill('geo', context['geo'], { country });

    // N3, N4: software and device.
    let header = textOf(context['userAgent']);
    if (header === '' && facts.fromBrowser && facts.userAgent) {
      header = facts.userAgent.slice(0, MAX_USER_AGENT_LENGTH);
      added.add('userAgent', context['userAgent'], header);
    }
    const agent = header === '' ? undefined : readUserAgent(header);
    let os = nameOf(context['os']);
    let browser = nameOf(context['browser']);
    if (agent !== undefined) {
      if (os === '' && (os = agent.osName) !== '') added.fill('os', context['os'], agent.os, agent.members.os);
      if (browser === '' && (browser = agent.browserName) !== '')
        added.fill('browser', context['browser'], agent.browser, agent.members.browser);
    }
    let deviceType = statedDeviceType(context['device']);
    if (deviceType === '') {
      deviceType = agent?.deviceType || deviceTypeOf(os);
      if (agent?.deviceType) added.fill('device', context['device'], agent.device, agent.members.device);
      else if (deviceType !== '') added.fill('device', context['device'], { type: deviceType });
    }

    // N5: page and campaign.
    const page = objectOf(context['page']);
    // A page call may carry its page in the properties alone, as Segment's browser library does.
    const called = event.type === 'page' ? event.properties : undefined;
    const url = textOf(page?.['url']) || textOf(called?.['url']);
    const ofPage = url === '' ? NO_PAGE : pages.get(url);
    const path = textOf(page?.['path']) || textOf(called?.['path']) || ofPage.path;
    const said = statedCampaign(context['campaign']);
    const linked =
      said === undefined
        ? (readCampaign(queryOf(textOf(page?.['search']) || textOf(called?.['search']))) ?? ofPage.linked)
        : undefined;
    if (linked !== undefined) added.fill('campaign', context['campaign'], linked.fields, linked.member);
    const campaign = said ?? linked;

    // N6: referrer and channel.
    const own = context['referrer'];
    const referrer =
      textOf(page?.['referrer']) || textOf(called?.['referrer']) || textOf(own) || textOf(objectOf(own)?.['url']);
    const from = referrer === '' ? undefined : referrers.get(referrer);
    const host = from?.host ?? '';
    const known = host === '' ? undefined : from;
    if (known !== undefined) added.fill('referrer', context['referrer'], { host }, known.member);
    let channel = textOf(context['channel']);
    const isOwnSite = known !== undefined && isSameSite(host, ofPage.host);
    if (channel === '' && (campaign !== undefined || known !== undefined || path !== '')) {
      if (campaign !== undefined) channel = linked?.channel ?? channelOf(campaign, host, isOwnSite);
      else channel = known === undefined ? 'direct' : isOwnSite ? 'internal' : known.channel;
      // Our own words need no escapes.
      added.add('channel', context['channel'], channel, `,"channel":"${channel}"`);
    }

    return {
      context: added.toText(wideNumbers),
      contextAdded: added.behindOwnText,
      bot: agent !== undefined && agent.bot,
      country,
      os: clip(os),
      browser: clip(browser),
      deviceType: clip(deviceType),
      channel: clip(channel),
      campaignSource: campaign === undefined ? '' : clip(campaign.source),
      campaignMedium: campaign === undefined ? '' : clip(campaign.medium),
      campaignName: campaign === undefined ? '' : clip(campaign.name),
      // Pages of one site refer to each other all day; as a column that would drown where people come from.
      referrerHost: isOwnSite ? '' : clip(host),
      pagePath: clip(path),
      appVersion: clip(textOf(context['appVersion']) || textOf(objectOf(context['app'])?.['version'])),
      locale: clip(textOf(context['locale'])),
    };
  };
}

/** Whether the request comes from the person's own device, as far as the event tells; `context.direct` decides. */
function sendsForItself(context: JsonObject): boolean {
  const { direct } = context;
  if (typeof direct === 'boolean') return direct;
  return !SERVER_LIBRARIES.has(objectOf(context['library'])?.['name']);
}

const NO_PAGE = { host: '', path: '', linked: undefined };

interface KeptAddress {
  text: string;
  /** As `memberOf` has it. */
  member: string;
}

const NO_ADDRESS: KeptAddress = { text: '', member: '' };

/** An address as projects want it kept; without a text where it is none. */
function keptForms(address: string): { keep: KeptAddress; truncate: KeptAddress } {
  const plain = plainAddress(address);
  const network = truncateAddress(plain);
  return { keep: { text: plain, member: memberOf('ip', plain) }, truncate: { text: network, member: memberOf('ip', network) } };
}

/** Keeps of the address what the project wants kept, whoever said it. */
function keepAddress(added: Additions, context: JsonObject, { text, member }: KeptAddress): void {
  if (context['ip'] !== undefined) added.replace('ip', text === '' ? undefined : text);
  else if (text !== '') added.add('ip', context['ip'], text, member);
}

function nameOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : textOf(objectOf(value)?.['name']);
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

function objectOf(value: JsonValue | undefined): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
}

function clip(text: string): string {
  return text.length > MAX_COLUMN_LENGTH ? text.slice(0, MAX_COLUMN_LENGTH).toWellFormed() : text;
}
