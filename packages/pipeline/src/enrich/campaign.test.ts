import fc from 'fast-check';
import { expect, test } from 'vitest';
import { campaignOf, statedCampaign } from './campaign.ts';
import { channelOf } from './channel.ts';
import { isSameSite } from './web-address.ts';

test('N5: utm parameters', () => {
  expect(
    campaignOf('utm_source=News+letter&x=1&utm_medium=E%2DMail&utm_campaign=spring&utm_term=a&utm_content=b&utm_id=7'),
  ).toEqual({
    source: 'News letter',
    medium: 'E-Mail',
    name: 'spring',
    fields: { source: 'News letter', medium: 'E-Mail', name: 'spring', term: 'a', content: 'b', id: '7' },
  });
  expect(campaignOf('UTM_SOURCE=a&utm_source=b')?.source).toBe('a');
  for (const none of ['', 'a=1', 'utm_source=', 'utm_source', '=', '&&', 'utm_other=1', '__proto__=1', 'constructor=1'])
    expect(campaignOf(none)).toBeUndefined();
});

test('N5: click ids stand for source and medium that are not said', () => {
  expect(campaignOf('gclid=abc')).toEqual({
    source: 'google',
    medium: 'cpc',
    name: '',
    fields: { gclid: 'abc', source: 'google', medium: 'cpc' },
  });
  expect(campaignOf('fbclid=abc')).toMatchObject({ source: 'facebook', medium: '' });
  expect(campaignOf('gclid=abc&utm_source=partner&utm_medium=email')).toMatchObject({
    source: 'partner',
    medium: 'email',
  });
});

test('N5: mangled links are read as far as they go, and nothing in a query throws', () => {
  expect(campaignOf('utm_source=100%&utm_medium=%E0%A4%A')).toMatchObject({ source: '100%', medium: '%E0%A4%A' });
  expect(campaignOf(`utm_source=${'x'.repeat(9_000)}`)?.source).toHaveLength(500);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom('utm_source', 'utm_medium', 'gclid', 'a'), fc.string({ unit: 'binary' }))),
      (pairs) => {
        const query = new URLSearchParams(pairs);
        const source = query.get('utm_source') ?? '';
        if (source !== '') expect(campaignOf(query.toString())?.source).toBe(source.slice(0, 500));
        campaignOf(pairs.map(([key, value]) => `${key}=${value}`).join('&'));
      },
    ),
  );
});

test('N5: what the client states itself', () => {
  expect(statedCampaign({ source: 'a', term: 'b' })).toMatchObject({ source: 'a', medium: '', name: '' });
  for (const none of [undefined, null, 'x', [], {}, { term: 'b' }, { source: 7 }, { source: '' }])
    expect(statedCampaign(none)).toBeUndefined();
});

const none = { source: '', medium: '', name: '' };

test.each([
  [{ medium: 'cpc' }, '', 'paid'],
  [{ medium: 'PPC' }, '', 'paid'],
  [{ medium: 'paid_social' }, '', 'paid'],
  [{ medium: 'cpm' }, '', 'display'],
  [{ medium: 'banner' }, '', 'display'],
  [{ medium: 'e-mail' }, '', 'email'],
  [{ medium: 'newsletter' }, '', 'email'],
  [{ source: 'newsletter' }, '', 'email'],
  [{ medium: 'affiliates' }, '', 'affiliate'],
  [{ medium: 'sms' }, '', 'sms'],
  [{ medium: 'web_push' }, '', 'push'],
  [{ medium: 'social' }, '', 'social'],
  [{ medium: 'organic', source: 'google' }, '', 'search'],
  [{ source: 'facebook' }, '', 'social'],
  [{ source: 'google' }, '', 'search'],
  [{ medium: 'referral' }, '', 'referral'],
  [{ name: 'spring' }, 'google.com', 'campaign'],
  [{ medium: 'qr' }, '', 'campaign'],
  [{ source: 'flyer' }, '', 'campaign'],
  [{}, '', 'direct'],
  [{}, 'google.de', 'search'],
  [{}, 'news.google.co.uk', 'search'],
  [{}, 'duckduckgo.com', 'search'],
  [{}, 'l.facebook.com', 'social'],
  [{}, 't.co', 'social'],
  [{}, 'm.youtube.com', 'video'],
  [{}, 'mail.google.com', 'email'],
  [{}, 'blog.example.org', 'referral'],
  [{}, 'example.com', 'internal'],
  [{}, 'help.example.com', 'internal'],
  [{}, 'nott.co', 'referral'],
] as const)('N6: %j from %j is %s', (campaign, host, channel) => {
  expect(channelOf({ ...none, ...campaign }, host, isSameSite(host, 'example.com'))).toBe(channel);
});
