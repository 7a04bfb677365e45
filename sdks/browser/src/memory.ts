/** The client whose queue lives as long as its page: the smallest. */
import type { DeviceClient } from '@tidemark/sdk-core';
import type { TidemarkOptions } from './options.ts';
import { createPageClient } from './page-client.ts';

export type { TidemarkOptions } from './options.ts';

export const createTidemark: (options: TidemarkOptions) => DeviceClient = createPageClient;
