export { createTidemark } from './client.ts';
export type { EventOptions, NodePorts, TidemarkClient } from './client.ts';
export type { TidemarkOptions } from './options.ts';
export { ANONYMOUS_ID_HEADER, SESSION_ID_HEADER } from './request-context.ts';
export type { RequestIds } from './request-context.ts';
