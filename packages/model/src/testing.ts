/** For property tests: JSON texts that hurt, and events and batches made of them. */
export { eventText, hostileEvent, hostileObject, hostileValue } from './testing/hostile-json.ts';
