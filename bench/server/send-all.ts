import { WRITE_KEY } from './server.ts';

const BATCH = 500;
const AT_ONCE = 4;

/** Sends events over HTTP in batches, some at once. Throws unless every one is accepted. */
export async function sendAll(port: number, events: readonly object[]): Promise<void> {
  const batches = Array.from({ length: Math.ceil(events.length / BATCH) }, (_, at) => events.slice(at * BATCH, (at + 1) * BATCH));
  const sendNext = async (): Promise<void> => {
    for (let batch = batches.shift(); batch !== undefined; batch = batches.shift()) {
      const response = await fetch(`http://127.0.0.1:${port}/api/events/batch`, { method: 'POST', headers: { authorization: `Bearer ${WRITE_KEY}` }, body: JSON.stringify({ events: batch }) });
      const text = await response.text();
      if ((JSON.parse(text) as { accepted?: number }).accepted !== batch.length) throw new Error(`not all of ${batch.length} events were accepted (${response.status}): ${text.slice(0, 500)}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, sendNext));
}
