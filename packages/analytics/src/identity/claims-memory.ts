/**
 * What `identity_claims` says, remembered while nothing is written to it: a page of a person needs to know
 * whose the id is, and most ids have no claim at all. Where the warehouse can't tell of writes nothing is remembered.
 */
import { hash } from 'node:crypto';
import { literal, type Warehouse } from '@tidemark/warehouse';
import { KnownClaims } from './known-claims.ts';
import type { ProjectIdentity } from './project-identity.ts';
import { MAX_SHARE } from './reading-age.ts';

/** Of a project with so many its claims are remembered themselves, some 300 bytes each; of one with more only which ids they name. */
const MAX_CLAIMS = 50_000;
/** Eight bytes each. */
const MAX_CLAIMED_IDS = 2_000_000;
/** Of an identity, whatever their size: an answer lists at most 1,000 devices, and mostly one. */
const MAX_ANSWERS = 5_000;

/** What is known of the claims of a project. */
interface Reading {
  /** Hashes: first halves of the MD5 of all devices and users that claims name, ascending. */
  claims: KnownClaims | BigUint64Array | 'too many';
  writes: number;
  readAtMs: number;
  tookMs: number;
}

export class ClaimsMemory {
  readonly #warehouse: Warehouse;
  readonly #monotonicMs: () => number;
  readonly #maxClaims: number;
  readonly #readings = new Map<string, Reading | 'being read'>();
  #answers = new WeakMap<ProjectIdentity, Map<string, unknown>>();
  #writes: number | undefined;

  constructor(warehouse: Warehouse, { monotonicMs = () => performance.now(), maxClaims = MAX_CLAIMS } = {}) {
    this.#warehouse = warehouse;
    this.#monotonicMs = monotonicMs;
    this.#maxClaims = maxClaims;
  }

  /** Whether it is known that no claim names the id. Where it isn't known, it is found out for later. */
  isUnclaimed(id: string, project: string): boolean {
    const claims = this.#known(project);
    if (claims instanceof KnownClaims) return !claims.names(id);
    return claims instanceof BigUint64Array && !includes(claims, halfMd5(id));
  }

  /** All claims of the project; undefined where they aren't known, or are too many. */
  claimsOf(project: string): KnownClaims | undefined {
    const claims = this.#known(project);
    return claims instanceof KnownClaims ? claims : undefined;
  }

  #known(project: string): Reading['claims'] | undefined {
    const writes = this.#warehouse.writes?.('identity_claims');
    const held = this.#readings.get(project);
    if (writes === undefined || held === 'being read') return undefined;
    if (held?.writes === writes) return held.claims;
    // Under load claims come every second; then each page looks at its own.
    if (held === undefined || this.#monotonicMs() - held.readAtMs >= held.tookMs / MAX_SHARE) void this.readClaimed(project);
    return undefined;
  }

  /** Resolves when the claims of the project were read. */
  async readClaimed(project: string): Promise<void> {
    const writes = this.#warehouse.writes?.('identity_claims');
    if (writes === undefined) return;
    const readAtMs = this.#monotonicMs();
    this.#readings.set(project, 'being read');
    try {
      const claims = (await readClaims(project, this.#maxClaims, this.#warehouse)) ?? (await readHashes(project, this.#warehouse));
      this.#readings.set(project, { claims, writes, readAtMs, tookMs: this.#monotonicMs() - readAtMs });
    } catch {
      // Whoever needs to know asks the table, and is told what is wrong with it.
      this.#readings.delete(project);
    }
  }

  /** What `read` answers, which must depend on the claims, the identity and `key` alone. */
  async remember<Answer>(key: string, identity: ProjectIdentity, read: () => Promise<Answer>): Promise<Answer> {
    const writes = this.#warehouse.writes?.('identity_claims');
    if (writes === undefined) return read();
    const known = this.#answersTo(identity, writes);
    if (known.has(key)) return known.get(key) as Answer;
    const answer = await read();
    if (this.#warehouse.writes?.('identity_claims') !== writes) return answer;
    if (known.size >= MAX_ANSWERS) known.clear();
    known.set(key, answer);
    return answer;
  }

  /** Whether `remember` would answer without reading. */
  remembers(key: string, identity: ProjectIdentity): boolean {
    const writes = this.#warehouse.writes?.('identity_claims');
    return writes !== undefined && this.#answersTo(identity, writes).has(key);
  }

  #answersTo(identity: ProjectIdentity, writes: number): Map<string, unknown> {
    if (writes !== this.#writes) [this.#answers, this.#writes] = [new WeakMap(), writes];
    let answers = this.#answers.get(identity);
    if (answers === undefined) this.#answers.set(identity, (answers = new Map()));
    return answers;
  }
}

/** The memory of a warehouse. */
export function claimsMemoryOf(warehouse: Warehouse): ClaimsMemory {
  let memory = memories.get(warehouse);
  if (memory === undefined) memories.set(warehouse, (memory = new ClaimsMemory(warehouse)));
  return memory;
}

const memories = new WeakMap<Warehouse, ClaimsMemory>();

async function readClaims(project: string, maxClaims: number, warehouse: Warehouse): Promise<KnownClaims | undefined> {
  const read = await warehouse.binary(
    `SELECT device, user FROM identity_claims WHERE project = ${literal(project)} GROUP BY device, user ORDER BY min(first) LIMIT ${maxClaims + 1}`,
  );
  const rows: [device: string, user: string][] = [];
  while (!read.isAtEnd) rows.push([read.text(), read.text()]);
  return rows.length > maxClaims ? undefined : new KnownClaims(rows);
}

async function readHashes(project: string, warehouse: Warehouse): Promise<BigUint64Array | 'too many'> {
  const ids = ['device', 'user'].map((column) => `SELECT halfMD5(${column}) AS hash FROM identity_claims WHERE project = ${literal(project)}`);
  const chunks: Buffer[] = [];
  const sql = `SELECT DISTINCT hash FROM (${ids.join(' UNION ALL ')}) ORDER BY hash LIMIT ${MAX_CLAIMED_IDS + 1}`;
  for await (const chunk of warehouse.stream(sql, 'RowBinary')) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  if (bytes.length > 8 * MAX_CLAIMED_IDS) return 'too many';
  return BigUint64Array.from({ length: bytes.length / 8 }, (_, i) => bytes.readBigUInt64LE(8 * i));
}

function halfMd5(id: string): bigint {
  return hash('md5', id, 'buffer').readBigUInt64BE(0);
}

function includes(sorted: BigUint64Array, wanted: bigint): boolean {
  let [from, to] = [0, sorted.length];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (sorted[middle]! < wanted) from = middle + 1;
    else to = middle;
  }
  return sorted[from] === wanted;
}
