import type { Naming } from '../identity/naming.ts';
import type { ProjectIdentity } from '../identity/project-identity.ts';

/** What chains of a person are looked for. Steps that make the chain are counted from 1; bits are those of `mask`. */
export interface ChainQuery {
  identity: ProjectIdentity;
  /** How people are named in `rows`; absent = by keys. */
  naming?: Naming;
  /**
   * SELECT of events with the naming's columns, at (UInt64, ms, from 1), sequence, event_id, mask (UInt32: each bit tells whether
   * the event matches a step or an exclusion), and the columns of `keys` and `hold`.
   */
  rows: string;
  order: 'ordered' | 'strict' | 'any';
  /**
   * Bits of the steps that make the chain, in their order. In strict order `rows` also hold the events that match nothing, for
   * any of them comes between.
   */
  steps: readonly number[];
  /** Each is looked for after the chain's event of step `after`, and before that of the next one. */
  optional: readonly { bit: number; after: number }[];
  /** What must not come between the chain's events of two steps. */
  exclude: readonly { bit: number; after: number; before: number }[];
  windowMs: number;
  /** The chain starts with an event whose `at` is less. In order, the bit of step 1 tells it already. */
  startsBefore: number;
  /**
   * For each step the first matching steps (bits) of the events that can serve it, if an event's first matching step alone
   * tells which others it can serve: then eventId breaks no tie that shows, and neither it nor the mask need be carried.
   */
  servedBy: readonly number[] | undefined;
  /** Names of the group columns, and of which events of the chain a person's are: of a step, or of the first or last that has any. */
  keys: readonly string[];
  keysFrom: number | 'first' | 'last';
  /** Names of columns that must be the same all along a chain. */
  hold: readonly string[];
  /** The step of the chain whose event is told, as `mark`. */
  marked?: number | undefined;
}

/** Bits for an event's place within a person, below the ms of its time; 42 bits of ms are 139 years. */
export const PLACE_BITS = 22;
export const MAX_EVENTS = 2 ** PLACE_BITS - 1;
/** Bits for the steps; those of exclusions lie above. */
export const STEP_BITS = 20;

/** Whether only the packed order of each event is carried. */
export function isPacked({ servedBy, keys, exclude, optional, marked }: ChainQuery): boolean {
  return servedBy !== undefined && keys.length + exclude.length + optional.length === 0 && marked === undefined;
}

/**
 * Whether an event of mask `m` can serve step k of the chain: one comparison. Here and where this is used AND and OR are left out of
 * functions that read columns of the row: the engine's LogicalExpressionOptimizer hashes each side of them, with a column all the
 * subqueries that it comes through. Of a funnel of 5 steps with three exclusions that took 0.2 to 0.4 s, all before it 0.04 (chDB 26.7, 2026-11-23).
 */
export function servesSql(query: ChainQuery, k: number): string {
  const own = (isPacked(query) ? query.servedBy?.[k - 1] : undefined) ?? 2 ** (query.steps[k - 1] ?? 0);
  const spoilt = bitsOf(query, (exclusion) => exclusion.after < k && k < exclusion.before);
  // With exclusions nothing is packed, and a step has one bit.
  return spoilt === 0 ? `bitAnd(m, ${own}) != 0` : `bitAnd(m, ${own + spoilt}) = ${own}`;
}

/** The bits of what spoils a chain that came to step k and not to the next one. */
export function spoilingBits(query: ChainQuery, k: number): number {
  return bitsOf(query, ({ after, before }) => after <= k && k < before);
}

function bitsOf({ exclude }: ChainQuery, holds: (exclusion: ChainQuery['exclude'][number]) => boolean): number {
  return exclude.filter(holds).reduce((sum, { bit }) => sum + 2 ** bit, 0);
}

/** 1 to n. */
export function numbers(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i + 1);
}
