/**
 * The power goes while the whole server works: log, tables, lake, control file. One run under load is journalled by the
 * file layer; disks are cut at seeded moments, a server is started on each, and its stores are held against the ledger:
 * what was acknowledged before the cut is stored, once, in every store, and the balance is exact. On some of the disks the
 * log has dropped all that it may (what every store has), and on some the parts of the tables were never synced.
 * `TIDEMARK_POWER_SERVER_RUNS=50` cuts more often, `TIDEMARK_SEED=…` does it again, `TIDEMARK_POWER_SECONDS=60` loads longer,
 * `TIDEMARK_POWER_KEEP=on` leaves the disks that failed.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LmdbLogWriter, LmdbPositions } from '@tidemark/log';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ServerUnderTest } from '../server-under-test.ts';
import { bundleProgram } from '@tidemark/warehouse/testing';
import { differencesFromFolder } from './file-layer/completeness.ts';
import { Disk, type DiskModel } from './file-layer/disk.ts';
import { readJournal, type Journal } from './file-layer/journal.ts';
import { compileFileLayer, fileLayerEnv, type FileLayer } from './file-layer/layer.ts';
import { diskAfterPowerLoss } from './file-layer/power-loss.ts';
import { LedgerClient, seededRandom } from './ledger.ts';
import { BadEventClient } from './power-loss/bad-events.ts';
import { adoptEndNote } from './power-loss/end-note.ts';
import type { StoreFacts } from './power-loss/store-facts.ts';

const RUNS = Number(process.env['TIDEMARK_POWER_SERVER_RUNS'] ?? 3);
const SECONDS = Number(process.env['TIDEMARK_POWER_SECONDS'] ?? 4);
const SEED = Number(process.env['TIDEMARK_SEED'] ?? Date.now() % 1_000_000);

interface Kind {
  name: string;
  model: DiskModel;
  /** Records that the stores are said to have are gone from the log before the start: what they have must be enough. */
  logDropped?: boolean;
  /** Parts of tables are lost, cut and zeroed although they were synced: they come back from the log. */
  partsLost?: boolean;
}
const KINDS: readonly Kind[] = [
  { name: 'ordered', model: 'ordered' },
  { name: 'posix, log dropped', model: 'posix', logDropped: true },
  { name: 'parts lost', model: 'posix', partsLost: true },
  { name: 'posix', model: 'posix' },
  { name: 'ordered, log dropped', model: 'ordered', logDropped: true },
];
/** A part's folder, and all in it. */
const PART = /\/warehouse\/data\/store\/[^/]+\/[^/]+\/(tmp_\w+|\w+_\d+_\d+_\d+)(\/|$)/;

const layer = compileFileLayer();
if ('unavailable' in layer) console.warn(`SKIPPED: power loss under the server: ${layer.unavailable}`);
const folder = mkdtempSync(join(tmpdir(), 'tidemark-power-server-'));
let factsProgram: string;
beforeAll(async () => {
  factsProgram = await bundleProgram(new URL('power-loss/store-facts.ts', import.meta.url));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Recorded {
  journal: Journal;
  /** How long the journal was when the server was ready. */
  readyAt: number;
  sent: ReadonlySet<string>;
  /** Of events that were accepted, and of those that were answered to be in quarantine. */
  acknowledged: { at: number; ids: readonly string[]; quarantined: readonly string[] }[];
}

async function record(over: FileLayer): Promise<Recorded> {
  const root = join(folder, 'recorded');
  const file = join(folder, 'journal');
  mkdirSync(root);
  const acknowledged: Recorded['acknowledged'] = [];
  const note = (ids: readonly string[], quarantined: readonly string[] = []): void => void acknowledged.push({ at: statSync(file).size, ids, quarantined });
  const server = await ServerUnderTest.start({ dataPath: root, env: fileLayerEnv(over, { root, journal: file }) });
  try {
    await server.ready();
    const readyAt = statSync(file).size;
    const client = new LedgerClient(server, seededRandom(SEED));
    const bad = new BadEventClient(server.url, note);
    client.onAcknowledged = note;
    client.start(1);
    bad.start(150);
    await new Promise((resolve) => setTimeout(resolve, SECONDS * 1_000));
    await Promise.all([client.stop(), bad.stop()]);
    // Cuts after the load fall into what the processor does behind it.
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await server.end();
    return { journal: readJournal(file, root), readyAt, sent: new Set([...client.sent, ...bad.sent]), acknowledged };
  } finally {
    await server.end();
  }
}

/** Ids that were answered for before the cut. */
interface Owed {
  stored: ReadonlySet<string>;
  quarantined: ReadonlySet<string>;
}

/** Starts a server on a disk and stops it again when it has caught up; what is wrong with what it then holds. */
async function problemsOf(dataPath: string, owed: Owed, sent: ReadonlySet<string>): Promise<string[]> {
  const problems: string[] = [];
  let server: ServerUnderTest;
  try {
    server = await ServerUnderTest.start({ dataPath });
  } catch (error) {
    return [String(error)];
  }
  let balance: Record<string, number>;
  try {
    await server.ready();
    balance = await server.drained();
    for (const line of server.output.split('\n')) if (/"level":(40|50)|process is gone|Note:/.test(line)) console.log(line.slice(0, 400));
  } catch (error) {
    return [String(error)];
  } finally {
    await server.end();
  }
  const answer = join(folder, 'facts.json');
  const read = spawnSync(process.execPath, [factsProgram, dataPath, answer], { encoding: 'utf8' });
  if (read.status !== 0) return [`the stores can't be read: ${read.stderr}`];
  const facts = JSON.parse(readFileSync(answer, 'utf8')) as StoreFacts;
  for (const store of ['events', 'timeline', 'lake'] as const) {
    const unique = new Set(facts[store]);
    const lost = [...owed.stored].filter((id) => !unique.has(id));
    if (lost.length > 0) problems.push(`${store}: ${lost.length} of ${owed.stored.size} acknowledged events are lost, such as ${lost[0]}`);
    if (facts[store].length > unique.size) problems.push(`${store}: ${facts[store].length - unique.size} events are doubled`);
    const invented = [...unique].filter((id) => !sent.has(id));
    if (invented.length > 0) problems.push(`${store}: ${invented.length} events were never sent, such as ${invented[0]}`);
    if (facts[store].length !== balance['stored']) problems.push(`${store} holds ${facts[store].length} events, the balance says ${balance['stored']}`);
  }
  if (facts.ids.rows !== facts.ids.keys || facts.ids.keys !== balance['stored']) problems.push(`${facts.ids.rows} ids of ${facts.ids.keys} keys, the balance says ${balance['stored']}`);
  const setAside = new Set(facts.quarantine);
  const lostBad = [...owed.quarantined].filter((id) => !setAside.has(id));
  if (lostBad.length > 0) problems.push(`quarantine: ${lostBad.length} of ${owed.quarantined.size} bad events are lost that were answered to be there, such as ${lostBad[0]}`);
  if (facts.quarantine.length !== balance['quarantined']) problems.push(`the quarantine holds ${facts.quarantine.length} events, the balance says ${balance['quarantined']}`);
  if (facts.badFiles.length > 0) problems.push(`files of the lake are bad: ${facts.badFiles.join(', ')}`);
  if (balance['difference'] !== 0) problems.push(`the balance differs: ${JSON.stringify(balance)}`);
  return problems;
}

/** Mostly under load; every sixth one in the first start, every seventh after a clean stop. */
function cutAt(run: number, random: () => number, { journal, readyAt }: Recorded): number {
  if (run % 7 === 6) return journal.length;
  const [from, to] = run % 6 === 5 ? [0, readyAt] : [readyAt, journal.length];
  return Math.floor(from + random() * (to - from));
}

async function dropFromLog(dataPath: string): Promise<void> {
  if (!existsSync(join(dataPath, 'positions', 'data.mdb'))) return;
  const positions = new LmdbPositions(join(dataPath, 'positions'), { readOnly: true });
  const log = await LmdbLogWriter.open(join(dataPath, 'log'));
  for (const topic of ['events', 'quarantine'] as const) await log.drop(topic, 0, positions.get(topic, 0)?.offset ?? 0, Infinity);
  await log.close();
  await positions.close();
}

it.skipIf('unavailable' in layer)(`power loss: servers started on ${RUNS} disks have stored every acknowledged event once (seed ${SEED})`, async () => {
  if ('unavailable' in layer) return;
  const recorded = await record(layer);
  const { journal, readyAt, sent, acknowledged } = recorded;
  const whole = new Disk(journal, 'posix');
  whole.advance(journal.length);
  expect(differencesFromFolder(whole), 'writes that the file layer has not seen').toEqual([]);
  const random = seededRandom(SEED);
  const problems: string[] = [];
  for (let run = 0; run < RUNS; run++) {
    const at = cutAt(run, random, recorded);
    const { name, model, logDropped, partsLost } = KINDS[run % KINDS.length]!;
    const image = diskAfterPowerLoss(journal, at, SEED + run, model, partsLost ? { of: (path) => PART.test(path), from: readyAt } : undefined);
    if (logDropped) await dropFromLog(image);
    adoptEndNote(join(image, 'log'));
    const before = acknowledged.filter((batch) => batch.at <= at);
    const owed = { stored: new Set(before.flatMap(({ ids }) => ids)), quarantined: new Set(before.flatMap(({ quarantined }) => quarantined)) };
    const found = await problemsOf(image, owed, sent);
    problems.push(...found.map((problem) => `disk '${name}' at ${at} of ${journal.length}, seed ${SEED + run}: ${problem}`));
    if (process.env['TIDEMARK_POWER_KEEP'] === undefined || found.length === 0) rmSync(image, { recursive: true });
    else console.log(`kept: ${image}`);
  }
  expect(problems).toEqual([]);
}, 180_000 + (SECONDS + RUNS * 30) * 1_000);
