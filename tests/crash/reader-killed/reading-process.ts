/** Reads the log and stands still in the middle of it, as a process that is busy with what it read: its view of the log stays open. */
import { LmdbLogReader } from '@tidemark/log';

const reader = LmdbLogReader.open(process.argv[2] ?? '')!;
reader.read('events', 0, reader.startOffset('events', 0), { maxRecords: 1, maxBytes: 1 });
process.stdout.write('reading\n', () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
