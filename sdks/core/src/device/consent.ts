import type { State } from '../ports.ts';

/** Choices by category, as Segment's clients send them: `{analytics: true, advertising: false}`. */
export type ConsentCategories = Record<string, boolean>;
export type ConsentChoice = 'granted' | 'denied' | ConsentCategories;
export type ConsentStatus = 'unknown' | 'granted' | 'denied';

export interface Consent {
  readonly status: ConsentStatus;
  /** For `context.consent` of each event; absent while nobody chose by category. */
  readonly categories?: ConsentCategories | undefined;
  /** `elsewhere`: the device of another tab, which has stored it. */
  choose(choice: ConsentChoice, elsewhere?: string): void;
}

export interface ConsentOptions {
  /** What holds before anybody has chosen (P3). */
  consent: ConsentStatus;
  /** The category that decides whether events are captured (P2). */
  consentCategory: string;
  /** The browser sends Global Privacy Control. */
  privacySignal: boolean;
}

const KEY = 'consent';

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** `stored` is the device's real storage: a grant outlives the page, a denial leaves nothing behind (P3). */
export function createConsent(options: ConsentOptions, stored: State): Consent {
  const consent: Writable<Consent> = {
    status: options.privacySignal ? 'denied' : options.consent,
    choose(choice, elsewhere) {
      const categories = (consent.categories = typeof choice === 'object' ? { ...choice } : undefined);
      consent.status = choice === 'granted' || categories?.[options.consentCategory] ? 'granted' : 'denied';
      if (!elsewhere) stored.set(KEY, consent.status === 'granted' ? JSON.stringify(choice) : undefined);
    },
  };
  try {
    consent.choose(JSON.parse(stored.get(KEY)!) as ConsentChoice, KEY);
  } catch {
    // Nothing was kept, or nothing that can be read.
  }
  return consent;
}
