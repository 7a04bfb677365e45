import type { ClientOptions } from '@tidemark/sdk-core';

/** On a metered network batches are five times as large, and wait five times as long. */
export interface TidemarkOptions extends ClientOptions {
  /** Where the collector answers, such as `https://events.example.com`. */
  host: string;
  /** `application_installed`, `application_updated`, `application_opened`, `application_backgrounded`. Default true. */
  captureLifecycle?: boolean | undefined;
}
