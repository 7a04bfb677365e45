/**
 * Cuts disks of one journal at many moments and audits each. A process of its own, since LMDB reads its file through a
 * memory map: a damaged one may kill whoever opens it. Prints one line of JSON (Cut) before and one after each.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Disk, type DiskModel } from '../file-layer/disk.ts';
import { readJournal } from '../file-layer/journal.ts';
import { writeDisk } from '../file-layer/power-loss.ts';
import { seededRandom } from '../ledger.ts';
import { adoptEndNote } from './end-note.ts';
import { auditLog } from './log-audit.ts';
import { owedAt, type LogNote } from './log-ledger.ts';

export interface Cut {
  /** How long the journal was when the power went. */
  at: number;
  seed: number;
  /** Absent while the audit is under way. */
  problems?: string[];
}

const [root = '', journalPath = '', notesPath = '', model = '', runs = '', seedText = '', folder = ''] = process.argv.slice(2);
const journal = readJournal(journalPath, root);
const notes = readFileSync(notesPath, 'utf8').trim().split('\n').map((line) => JSON.parse(line) as LogNote);
const seed = Number(seedText);
const random = seededRandom(seed);
// By effects rather than by bytes: what happens between two small writes matters as much.
const cuts = Array.from({ length: Number(runs) }, () => journal.effects[Math.floor(random() * journal.effects.length)]!.end);
const disk = new Disk(journal, model as DiskModel);
for (const [run, at] of cuts.toSorted((a, b) => a - b).entries()) {
  const cut: Cut = { at, seed: seed + run };
  console.log(JSON.stringify(cut));
  disk.advance(at);
  const image = mkdtempSync(join(folder, 'image-'));
  writeDisk(disk, image, cut.seed);
  adoptEndNote(join(image, 'log'));
  console.log(JSON.stringify({ ...cut, problems: await auditLog(image, seed, owedAt(notes, at)) }));
  rmSync(image, { recursive: true });
}
