/** What somebody may do to quarantined events before they are replayed: as a patch, and in plain words for the model. */
import type { PatchStep } from '@tidemark/pipeline';

interface Mending {
  patch: readonly PatchStep[];
  mend: (event: Record<string, unknown>) => object;
}

export const MENDINGS = {
  nothing: { patch: [], mend: (event) => event },
  names: { patch: [{ op: 'set', field: 'eventName', value: 'view' }], mend: (event) => ({ ...event, eventName: 'view' }) },
  // Of somebody whose id is right it makes another person: a conflict with other copies.
  people: { patch: [{ op: 'set', field: 'userId', value: 'u3' }], mend: (event) => ({ ...event, userId: 'u3' }) },
  times: { patch: [{ op: 'remove', field: 'timestamp' }], mend: (event) => ({ ...event, timestamp: undefined }) },
  depth: { patch: [{ op: 'rename', field: 'properties.a', to: 'context.deep' }, { op: 'remove', field: 'context.deep' }], mend: (event) => ({ ...event, properties: withoutA(event['properties']) }) },
} as const satisfies Record<string, Mending>;

export type MendingName = keyof typeof MENDINGS;

/** As the model takes it. */
export function mended(name: MendingName): (value: unknown) => unknown {
  return (value) => (typeof value === 'object' && value !== null ? (MENDINGS[name] as Mending).mend(value as Record<string, unknown>) : value);
}

function withoutA(properties: unknown): unknown {
  return typeof properties === 'object' && properties !== null ? Object.fromEntries(Object.entries(properties).filter(([name]) => name !== 'a')) : properties;
}
