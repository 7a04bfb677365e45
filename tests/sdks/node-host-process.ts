/** A host of the Node SDK, in a process of its own: tracks `count` events and then does what `ending` says. Prints `tracked` once all are captured. */
import { createTidemark } from '@tidemark/node';

const [host, writeKey, label, count, ending, spoolPath] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string,
  string?,
];
const client = createTidemark({ host, writeKey, ...(spoolPath && { spoolPath }), flushIntervalMs: 60_000 });
for (let n = 0; n < Number(count); n++) void client.track({ eventName: label, userId: 'u1', properties: { n } });
// What a spool has been given is on its way to the disk.
setTimeout(() => console.log('tracked'), 200).unref();
if (ending === 'stay') setInterval(() => {}, 1_000);
else setTimeout(() => {}, 300);
