/** Reads a consumer's positions without LMDB, so that a damaged file is told and nothing crashes over it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Position, Topic } from '../../position.ts';
import { parsePosition } from '../position-text.ts';
import { checkEnvironment, lastCommit } from './environment-check.ts';
import { PageFault } from './page-file.ts';

export interface PositionsCheck {
  /** What is wrong, as sentences; empty when all is well. */
  faults: string[];
  positions: Partial<Record<Topic, Position>>;
}

/** `folder`: that of the positions, which may be written to meanwhile. Nothing in it is no fault: a new one. */
export function checkPositions(folder: string): PositionsCheck {
  const dataFile = join(folder, 'data.mdb');
  for (let look = 0; ; look++) {
    const before = existsSync(dataFile) ? lastCommit(dataFile) : undefined;
    const check = lookAt(dataFile);
    if (check.faults.length === 0 || look === MAX_LOOKS || lastCommit(dataFile) === before) return check;
  }
}

/** A fault that was seen while a commit went on may be none. */
const MAX_LOOKS = 10;

function lookAt(dataFile: string): PositionsCheck {
  const positions: PositionsCheck['positions'] = {};
  if (!existsSync(dataFile)) return { faults: [], positions };
  const faults = checkEnvironment(dataFile, (table, { key, value }) => {
    if (table !== 'meta') return;
    const topic = { 'events-0': 'events', 'quarantine-0': 'quarantine' }[String(key)] as Topic | undefined;
    const position = parsePosition(value().toString());
    if (topic === undefined || position === undefined) throw new PageFault(`the position of ${String(key)} fails its checksum`);
    positions[topic] = position;
  });
  return { faults, positions };
}
