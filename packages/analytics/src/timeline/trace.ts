/** What became of one event that is stored, by its id. */
import { dedupKey } from '@tidemark/event';
import { literal, type Warehouse } from '@tidemark/warehouse';
import type { Identities } from '../ports.ts';
import { outputSelect, toOutput, type OutputEvent, type TimelineRow } from './output.ts';
import { plainIdentity } from '../identity/project-identity.ts';
import { personIdOf, resolvePerson } from '../identity/resolve.ts';
import { withSessions } from '../sessions/sessions-of-person.ts';

interface TraceContext {
  project: string;
  warehouse: Warehouse;
  identities?: Identities;
}

export interface EventTrace {
  event: OutputEvent;
  position: { epoch: string; partition: number; offset: number };
}

/**
 * The stored event of an id, or undefined when none is stored. Found by its dedup key; an event that has left the dedup
 * window is looked for in the timeline itself. Throws WarehouseError.
 */
export async function traceQuery(eventId: string, context: TraceContext): Promise<EventTrace | undefined> {
  const { project, warehouse } = context;
  const key = `unhex('${dedupKey(project, eventId).toString('hex')}')`;
  const { rows } = await warehouse.query<{ epoch: string; partition: number; offset: number; received_at: number }>(
    `SELECT epoch, partition, offset, toUnixTimestamp(received_at) AS received_at FROM event_ids WHERE key = ${key} LIMIT 1`,
  );
  const [place] = rows;
  if (place !== undefined) {
    const at = `offset = ${literal(BigInt(place.offset))} AND epoch = ${literal(place.epoch)} AND partition = ${place.partition}`;
    const found = await read(context, `${at} AND event_id = ${literal(eventId)}`);
    if (found !== undefined) return found;
  }
  return read(context, `event_id = ${literal(eventId)}`);
}

async function read({ project, warehouse, identities }: TraceContext, condition: string): Promise<EventTrace | undefined> {
  const { rows } = await warehouse.query<TimelineRow & { epoch: string; partition: number; offset: number }>(
    `SELECT ${outputSelect("''")}, epoch, partition, offset FROM timeline WHERE project = ${literal(project)} AND ${condition} LIMIT 1`,
  );
  const [row] = rows;
  if (row === undefined) return undefined;
  const identity = (await identities?.of(project)) ?? plainIdentity(project);
  const person = await personIdOf({ userId: row.user_id, anonymousId: row.anonymous_id }, identity, warehouse);
  const [placed = row] = await withSessions([row], await resolvePerson(row.user_id || row.anonymous_id, identity, warehouse), warehouse);
  return { event: toOutput({ ...placed, person }), position: { epoch: row.epoch, partition: Number(row.partition), offset: Number(row.offset) } };
}
