/** Jitsu's clients: one event a request, in Segment's shape, its key in a header of its own. They never retry, but wait. */
import { toEvent } from './segment.ts';
import { countOutcomes } from './dialect.ts';
import type { Dialect } from './dialect.ts';

const TYPE = /^\/api\/s\/(?:s2s\/)?(track|page|screen|identify|group|alias)$/;

export const jitsu: Dialect = {
  paths: [],
  prefixes: ['/api/s/'],
  keyOfHead({ headers }) {
    const key = headers['x-write-key'];
    return typeof key === 'string' ? key : undefined;
  },
  read(body, { path }) {
    const type = TYPE.exec(path)?.[1];
    return type === undefined
      ? undefined
      : { items: [body], translate: (item) => toEvent(item, { type, sentAt: undefined }) };
  },
  notNow: () => ({ kind: 'hold', ms: 20_000 }),
  // Anything but JSON is an error to them, and `destinations` would run code in the page: there are none.
  answer: (admissions, receivedAtMs) => ({
    status: 200,
    body: { ok: true, ...countOutcomes(admissions), receivedAt: new Date(receivedAtMs).toISOString() },
  }),
};
