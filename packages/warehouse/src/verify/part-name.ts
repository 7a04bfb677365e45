/**
 * Names of parts of MergeTree tables: `partition_minBlock_maxBlock_level[_mutation]`. An insert takes the next block
 * number; a merge of blocks 3 to 7 has the name of them all, so a name says which parts it replaces.
 */
export interface PartName {
  partition: string;
  minBlock: number;
  maxBlock: number;
  level: number;
  /** Of the last mutation that is in it; 0 = none. */
  mutation: number;
}

/** The parts of a name; undefined when it is none (`tmp_insert_…`, `detached`, `broken_…`). No partition of ours has a `_`. */
export function parsePartName(name: string): PartName | undefined {
  const found = /^([^_]+)_(\d+)_(\d+)_(\d+)(?:_(\d+))?$/.exec(name);
  if (found === null) return undefined;
  const [, partition = '', minBlock, maxBlock, level, mutation = '0'] = found;
  return { partition, minBlock: Number(minBlock), maxBlock: Number(maxBlock), level: Number(level), mutation: Number(mutation) };
}

/** Whether all that was written as the part `inner` is in the part `outer`, be it the same one or a merge of it. */
export function covers(outer: PartName, inner: PartName): boolean {
  return (
    outer.partition === inner.partition &&
    outer.minBlock <= inner.minBlock &&
    outer.maxBlock >= inner.maxBlock &&
    outer.level >= inner.level &&
    outer.mutation >= inner.mutation
  );
}
