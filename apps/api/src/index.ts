export { createApi } from './api.ts';
export type { ApiDeps, ApiLimits } from './deps.ts';
