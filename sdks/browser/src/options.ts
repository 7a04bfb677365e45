import type { ClientOptions } from '@tidemark/sdk-core';

export interface TidemarkOptions extends ClientOptions {
  /** Where the collector answers, such as `https://events.example.com`; default: the page's own origin. */
  host?: string | undefined;
  /** Whether Global Privacy Control denies (SPEC P3). Default true. */
  respectPrivacySignal?: boolean | undefined;
}
