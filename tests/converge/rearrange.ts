/** The same requests in another order of arrival: each keeps its receivedAt and sentAt, and the first copy of each id stays the first. */
import { System, type ProjectRules, type Request } from '@tidemark/model';
import { isBot } from './history.ts';

type Sent = Omit<Request, 'project'>;

/** Some requests come in two parts, too. `random` gives numbers from 0 to 1. */
export function rearranged(requests: readonly Sent[], rules: ProjectRules, random: () => number): Sent[] {
  const parts = requests.flatMap((request) => (random() < 0.3 ? inTwo(request, random) : [request]));
  const waitsFor = firstCopiesBefore(parts, rules);
  const left = new Set(parts.keys());
  const order: Sent[] = [];
  while (left.size > 0) {
    const free = [...left].filter((index) => ![...waitsFor[index]!].some((earlier) => left.has(earlier)));
    const next = free[Math.floor(random() * free.length)]!;
    left.delete(next);
    order.push(parts[next]!);
  }
  return order;
}

function inTwo(request: Sent, random: () => number): Sent[] {
  const at = Math.floor(random() * (request.events.length + 1));
  return [{ ...request, events: request.events.slice(0, at) }, { ...request, events: request.events.slice(at) }];
}

/** For each request those that hold the stored copy of an id of which it holds another one. */
function firstCopiesBefore(requests: readonly Sent[], rules: ProjectRules): Set<number>[] {
  const system = new System(isBot);
  system.setRules('p', rules);
  const holds = new Map<string, number>();
  return requests.map((request, index) => {
    const earlier = new Set<number>();
    for (const [at, end] of system.receive({ ...request, project: 'p' }).entries()) {
      if (end !== 'stored' && end !== 'duplicate' && end !== 'conflict') continue;
      const { eventId } = request.events[at] as { eventId: string };
      if (end === 'stored') holds.set(eventId, index);
      else if (holds.get(eventId) !== index) earlier.add(holds.get(eventId)!);
    }
    return earlier;
  });
}
