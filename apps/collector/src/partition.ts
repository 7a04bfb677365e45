import { dedupKey } from '@tidemark/event';

/** All copies of an event meet in one partition, where its processor knows the ids; no project or person is hot. */
export function partitionOf(project: string, eventId: string, partitions: number): number {
  return partitions === 1 ? 0 : dedupKey(project, eventId).readUInt32LE(0) % partitions;
}
