import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { checkLog, checkPositions, forEachRecord, LmdbLogReader, LmdbLogWriter, LmdbPositions, type LogReader, type Topic } from '@tidemark/log';
import type { Owed } from './log-ledger.ts';
import { recordAt } from './records.ts';

/** Opens the log and the positions in `folder` as a start after a power loss does; tells what is missing or wrong. */
export async function auditLog(folder: string, seed: number, owed: Owed): Promise<string[]> {
  // A start looks before it opens. Here it must find nothing: a disk that kept its promises is not damaged.
  const faults = [...(checkLog(join(folder, 'log'))?.faults ?? []), ...(checkPositions(join(folder, 'positions')).faults)];
  if (faults.length > 0) return faults.map((fault) => `called damaged: ${fault}`);
  let writer: LmdbLogWriter;
  try {
    writer = await LmdbLogWriter.open(join(folder, 'log'));
  } catch (error) {
    return [`the log can't be opened: ${String(error)} (${readdirSync(folder).join(', ')})`];
  }
  const problems: string[] = [];
  try {
    const reader = LmdbLogReader.open(join(folder, 'log'));
    if (reader === undefined) return ['the log can\'t be read'];
    for (const topic of ['events', 'quarantine'] as const) problems.push(...auditTopic(reader, topic, seed, owed));
    const held = reader.endOffset('events', 0) + reader.endOffset('quarantine', 0);
    const received = reader.snapshot(0).received.reduce((sum, source) => sum + source.received, 0);
    if (received !== held) problems.push(`${received} records are counted as received, ${held} are there`);
    problems.push(...(await auditPosition(folder, writer.epoch, reader, owed)));
    const end = reader.endOffset('events', 0);
    await writer.append([{ topic: 'events', partition: 0, count: 1, bytes: Buffer.from([1, 0, 0, 0, 65]) }], [], writer.stamp());
    if (reader.endOffset('events', 0) !== end + 1) problems.push(`appending goes on at ${reader.endOffset('events', 0) - 1}, not at ${end}`);
    await reader.close();
  } catch (error) {
    problems.push(`the log can't be read: ${String(error)}`);
  } finally {
    await writer.close();
  }
  return problems;
}

function auditTopic(reader: LogReader, topic: Topic, seed: number, owed: Owed): string[] {
  const problems: string[] = [];
  const start = reader.startOffset(topic, 0);
  const end = reader.endOffset(topic, 0);
  if (start > owed.dropping[topic]) problems.push(`${topic} begin at ${start}, and nothing behind ${owed.dropping[topic]} was to be dropped`);
  if (end < owed.appended[topic]) problems.push(`${topic} end at ${end}, and ${owed.appended[topic]} were acknowledged`);
  if (end > owed.appending[topic]) problems.push(`${topic} end at ${end}, and only ${owed.appending[topic]} were ever sent`);
  let next = start;
  for (const batch of end === start ? [] : reader.read(topic, 0, start, { maxRecords: 1e9, maxBytes: 1e12 })) {
    forEachRecord(batch, (offset, bytes, from, to) => {
      if (offset !== next) problems.push(`${topic}: offset ${offset} stands behind ${next - 1}`);
      else if (!bytes.subarray(from, to).equals(recordAt(seed, topic, offset))) problems.push(`${topic}: the record at ${offset} is another`);
      next = offset + 1;
    });
  }
  if (next !== end) problems.push(`${topic}: records up to ${next} are there, and the end is ${end}`);
  return problems.slice(0, 3);
}

async function auditPosition(folder: string, epoch: string, reader: LogReader, owed: Owed): Promise<string[]> {
  const positions = new LmdbPositions(join(folder, 'positions'));
  try {
    const position = positions.get('events', 0);
    if (position === undefined) return owed.positioned === 0 ? [] : [`no position is there, and ${owed.positioned} was committed`];
    const { offset, metadata } = position;
    const problems: string[] = [];
    if (position.epoch !== epoch) problems.push(`the position is of the epoch ${position.epoch}, the log of ${epoch}`);
    if (metadata !== `up to ${offset}`) problems.push(`the position ${offset} bears the text '${metadata}'`);
    if (offset < owed.positioned) problems.push(`the position is ${offset}, and ${owed.positioned} was committed`);
    if (offset > owed.positioning) problems.push(`the position is ${offset}, and no more than ${owed.positioning} was ever asked for`);
    if (offset > reader.endOffset('events', 0)) problems.push(`the position is ${offset}, and the log ends at ${reader.endOffset('events', 0)}`);
    return problems;
  } finally {
    await positions.close();
  }
}
