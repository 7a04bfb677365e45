import { BatchTemplate } from './events.ts';
import { Connection } from './connection.ts';

export interface LoadPlan {
  port: number;
  path: string;
  writeKey: string;
  seconds: number;
  connections: number;
  eventsPerBatch: number;
  /** Open loop: so many events a second are due whether or not the answers come. Absent: as fast as answers come. */
  eventsPerSecond?: number;
}

export interface LoadResult {
  /** Events in answers with status 2xx: what the server now owes. */
  accepted: number;
  refused: number;
  seconds: number;
  eventsPerSecond: number;
  /** From when a batch was due to its answer, so that a server that stalls can't hide it. */
  latency: { p50Ms: number; p99Ms: number; maxMs: number };
  cpuMicrosPerEvent: number;
}

const TEMPLATES = 64;

export async function runLoad(plan: LoadPlan): Promise<LoadResult> {
  const templates = Array.from({ length: TEMPLATES }, (_, seed) => new BatchTemplate(seed, plan.eventsPerBatch));
  const connections = await Promise.all(Array.from({ length: plan.connections }, () => Connection.open(plan.port, plan.path, plan.writeKey)));
  const latenciesMs: number[] = [];
  let [accepted, refused, next] = [0, 0, 0];
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  const endsAt = startedAt + plan.seconds * 1000;
  const gapMs = plan.eventsPerSecond === undefined ? 0 : (plan.eventsPerBatch / plan.eventsPerSecond) * 1000;

  await Promise.all(connections.map(async (connection) => {
    for (;;) {
      const turn = next++;
      const dueAt = gapMs === 0 ? performance.now() : startedAt + turn * gapMs;
      if (dueAt >= endsAt) return;
      const wait = dueAt - performance.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      const template = templates[turn % TEMPLATES]!;
      // Timers come up to a millisecond late: that is the generator's, not the server's.
      const sentAt = wait > 0 ? performance.now() : dueAt;
      const { status, body } = await connection.post(template.fill(Date.now()));
      latenciesMs.push(performance.now() - sentAt);
      if (status >= 200 && status < 300) accepted += acceptedOf(body, template.events);
      else refused += template.events;
    }
  }));
  const seconds = (performance.now() - startedAt) / 1000;
  for (const connection of connections) connection.close();
  const cpu = process.cpuUsage(cpuBefore);
  latenciesMs.sort((a, b) => a - b);
  const at = (share: number) => latenciesMs[Math.min(latenciesMs.length - 1, Math.floor(latenciesMs.length * share))] ?? 0;
  return {
    accepted,
    refused,
    seconds,
    eventsPerSecond: accepted / seconds,
    latency: { p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) },
    cpuMicrosPerEvent: (cpu.user + cpu.system) / Math.max(1, accepted),
  };
}

/** Our collector says how many it took; a bare server that says nothing took them all. */
function acceptedOf(body: string, sent: number): number {
  const said = /"accepted":(\d+)/.exec(body)?.[1];
  return said === undefined ? sent : Number(said);
}
