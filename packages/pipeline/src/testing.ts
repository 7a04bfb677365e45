/** For tests: what a request says, with the usual answers filled in. */
import type { RequestFacts } from './admission.ts';

export const RECEIVED_AT_MS = Date.UTC(2026, 4, 3, 10);

export const CHROME_ON_WINDOWS =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36';

export function request({
  settings,
  ...facts
}: Partial<Omit<RequestFacts, 'settings'>> & { settings?: Partial<RequestFacts['settings']> } = {}): RequestFacts {
  return {
    project: 'p1',
    source: 'web',
    settings: { bots: 'flag', ip: 'drop', retentionDays: null, consentCategory: 'analytics', ...settings },
    receivedAtMs: RECEIVED_AT_MS,
    sentAt: undefined,
    ip: undefined,
    userAgent: undefined,
    fromBrowser: false,
    ...facts,
  };
}
