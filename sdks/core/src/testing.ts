/** A device without a platform: time that passes when told to, storage in memory, draws that repeat. */
export { createSeededRandom } from './testing/device-under-test.ts';
export { createManualClock, settle } from './testing/manual-clock.ts';
export type { ManualClock } from './testing/manual-clock.ts';
export { createMemoryStorage } from './testing/memory-storage.ts';
export type { MemoryStorage } from './testing/memory-storage.ts';
