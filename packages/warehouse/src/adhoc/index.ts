export { AdhocQueries, type AdhocAnswer, type AdhocLimits, type AdhocRelations, type AdhocRequest } from './adhoc-queries.ts';
export { AdhocBusy, AdhocRefusal, type AdhocCode } from './refusal.ts';
export type { ResultFormat } from './order.ts';
export type { FileLake } from './hand-over.ts';
