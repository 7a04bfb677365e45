/**
 * The marketing channel of a visit, from its campaign and referrer. The order and the words follow the default channel
 * grouping of Google Analytics 4, with its paid channels taken together.
 */

export type Channel =
  | 'paid'
  | 'display'
  | 'affiliate'
  | 'email'
  | 'sms'
  | 'push'
  | 'social'
  | 'video'
  | 'search'
  | 'referral'
  | 'campaign'
  | 'internal'
  | 'direct';

const PAID_MEDIUM = /^(?:.*cp[acmv]?|.*ppc|retargeting|remarketing|paid.*)$/;
const DISPLAY_MEDIUM = /^(?:display|banner|expandable|interstitial|cpm)$/;
const SOCIAL_MEDIUM = /^(?:social|social[-_ ](?:network|media)|sm)$/;
const EMAIL = /^(?:e[-_ ]?mail|newsletter)$/;

const SOCIAL = [
  'facebook',
  'instagram',
  'twitter',
  't.co',
  'x.com',
  'linkedin',
  'lnkd.in',
  'pinterest',
  'reddit',
  'tiktok',
  'snapchat',
  'threads',
  'tumblr',
  'vk',
  'weibo',
  'mastodon.social',
  'bsky',
  'whatsapp',
  'telegram',
  't.me',
  'discord',
  'quora',
  'news.ycombinator.com',
  'xing',
];
const SEARCH = [
  'google',
  'bing',
  'duckduckgo',
  'yahoo',
  'yandex',
  'baidu',
  'ecosia',
  'qwant',
  'startpage',
  'search.brave.com',
  'kagi',
  'naver',
  'sogou',
  'seznam',
];
const VIDEO = ['youtube', 'youtu.be', 'vimeo', 'twitch', 'dailymotion'];
const MAIL = ['mail.google.com', 'outlook.live.com', 'mail.yahoo.com', 'com.google.android.gm'];

/** `host` is the referrer's as `hostOf` gives it; it and the campaign's texts may be `''`. `isOwnSite`: the page's own. */
export function channelOf(
  campaign: { source: string; medium: string; name: string },
  host: string,
  isOwnSite: boolean,
): Channel {
  const medium = campaign.medium.toLowerCase();
  const source = campaign.source.toLowerCase();
  if (medium !== '') {
    if (DISPLAY_MEDIUM.test(medium)) return 'display';
    if (PAID_MEDIUM.test(medium)) return 'paid';
    if (medium.startsWith('affiliate')) return 'affiliate';
    if (EMAIL.test(medium)) return 'email';
    if (medium === 'sms') return 'sms';
    if (medium.endsWith('push') || medium.startsWith('notification')) return 'push';
    if (SOCIAL_MEDIUM.test(medium)) return 'social';
    if (medium === 'organic') return 'search';
    if (medium === 'referral' || medium === 'link' || medium === 'app') return 'referral';
    if (medium.includes('video')) return 'video';
  }
  if (source !== '') {
    if (EMAIL.test(source) || source === 'mailchimp') return 'email';
    return siteKind(source) ?? 'campaign';
  }
  if (medium !== '' || campaign.name !== '') return 'campaign';
  if (host === '') return 'direct';
  return isOwnSite ? 'internal' : channelOfReferrer(host);
}

/** The channel of a visit that another site, and no campaign, has sent. */
export function channelOfReferrer(host: string): Channel {
  return siteKind(host) ?? 'referral';
}

/** What kind of site a host (or the name in `utm_source`) is, undefined for the rest of the web. */
function siteKind(host: string): Channel | undefined {
  if (MAIL.includes(host)) return 'email';
  if (VIDEO.some((name) => belongsTo(host, name))) return 'video';
  if (SOCIAL.some((name) => belongsTo(host, name))) return 'social';
  return SEARCH.some((name) => belongsTo(host, name)) ? 'search' : undefined;
}

/** `google` owns `google`, `google.de`, `news.google.co.uk`; a name with a dot is itself and its subdomains only. */
function belongsTo(host: string, name: string): boolean {
  if (name.includes('.')) return host === name || host.endsWith(`.${name}`);
  return host === name || host.startsWith(`${name}.`) || host.includes(`.${name}.`);
}
