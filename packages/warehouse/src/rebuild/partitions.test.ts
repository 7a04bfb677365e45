import { expect, it } from 'vitest';
import { definitionOf } from './definitions.ts';
import { PARTITION_OF_TIME, partitionAt, timesOfPartition } from './partitions.ts';

it('both tables are partitioned by what is said here', () => {
  for (const table of ['events', 'timeline']) expect(definitionOf(table, table)[0]).toContain(`PARTITION BY ${PARTITION_OF_TIME}\n`);
});

it('a time lies within the times of its partition', () => {
  for (const time of ['1970-01-01T00:00:00Z', '2015-12-31T23:59:59.999Z', '2016-01-01T00:00:00Z', '2026-02-28T23:59:59.999Z', '2026-12-31T23:59:59.999Z', '2027-01-01T00:00:00Z']) {
    const { fromMs, toMs } = timesOfPartition(partitionAt(Date.parse(time)));
    expect(Date.parse(time) >= fromMs && Date.parse(time) < toMs, time).toBe(true);
  }
  expect([partitionAt(Date.UTC(2015, 11, 31)), partitionAt(Date.UTC(2026, 10, 30))]).toEqual(['0', '202611']);
});
