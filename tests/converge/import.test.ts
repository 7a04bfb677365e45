/**
 * A history imported clean, and the same one shuffled, a twentieth of it twice and a tenth of it after the rest was rolled up: all
 * answers are the same, before and after the late tenth is rolled up, too. `TIDEMARK_IMPORT_EVENTS=20000` imports more, `TIDEMARK_REAL_DATA=FOLDER` does so with every CSV and NDJSON file of a folder, too.
 */
import { System, type Request } from '@tidemark/model';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { seededRandom } from '../crash/ledger.ts';
import { answersByModel, answersOf, comparable, type Answers } from './answers.ts';
import { Machine } from './machine.ts';
import { trendsOf, type Asked } from './questions.ts';
import { askedOf, realFiles } from './real-data.ts';
import { SHOP_ASKED, shopEvents } from './shop.ts';

const SEED = Number(process.env['TIDEMARK_SEED'] ?? Date.now() % 1_000_000);
const REAL_DATA = process.env['TIDEMARK_REAL_DATA'];
const EVENTS = Number(process.env['TIDEMARK_IMPORT_EVENTS'] ?? 4_000);
const BATCH = 500;
const IMPORTED_AT_MS = Date.UTC(2026, 5, 15);

let machine: Machine;
beforeAll(async () => {
  machine = await Machine.open();
  machine.clockMs = IMPORTED_AT_MS;
});
afterAll(() => machine.close());

async function importInto(project: string, events: readonly unknown[], hear: (request: Request) => void = () => {}): Promise<void> {
  for (let from = 0; from < events.length; from += BATCH) {
    machine.clockMs += 1_000;
    const request = { project, source: 'import', receivedAtMs: machine.clockMs, events: events.slice(from, from + BATCH) };
    hear(request);
    await machine.send(request, { 'x-tidemark-import': '1' });
  }
}

function shuffled<Item>(items: readonly Item[], random: () => number): Item[] {
  const places = items.map((item) => ({ item, place: random() }));
  return places.toSorted((a, b) => a.place - b.place).map(({ item }) => item);
}

/** When it was received, and how many copies came, is what two imports differ in. */
function withoutReceipt({ exported, timelines, balance: { stored }, ...answers }: Answers): object {
  const strip = (events: Answers['exported']): object[] => events.map((event) => ({ ...event, receivedAt: '' }));
  return { ...answers, stored, exported: strip(exported), timelines: Object.entries(timelines).map(([id, events]) => [id, strip(events)]) };
}

async function disordered(project: string, events: readonly unknown[], random: () => number): Promise<{ copies: number }> {
  const copies = events.filter(() => random() < 0.05);
  const mixed = shuffled([...events, ...copies], random);
  const isLate = mixed.map(() => random() < 0.1);
  await importInto(project, mixed.filter((_, index) => !isLate[index]));
  await machine.settled();
  await machine.compact();
  await machine.rollUp();
  await machine.restartProcessor();
  machine.clockMs += 2 * 3_600_000;
  await importInto(project, mixed.filter((_, index) => isLate[index]));
  await machine.settled();
  return { copies: copies.length };
}

async function expectEqual(name: string, events: readonly unknown[], asked: Asked, hear?: (request: Request) => void): Promise<Answers> {
  const random = seededRandom(SEED);
  await importInto(`${name}-clean`, events, hear);
  await machine.settled();
  const clean = await answersOf(machine.asking(`${name}-clean`), asked);
  expect(clean.balance.received).toBe(events.length);
  const { copies } = await disordered(`${name}-disordered`, events, random);
  const again = await answersOf(machine.asking(`${name}-disordered`), asked);
  expect(withoutReceipt(again)).toEqual(withoutReceipt(clean));
  expect(JSON.stringify(withoutReceipt(again))).toBe(JSON.stringify(withoutReceipt(clean)));
  // A copy of what is refused is refused, too.
  expect(again.balance.duplicate + again.balance.quarantined - clean.balance.quarantined - clean.balance.duplicate).toBe(copies);
  await machine.rollUp();
  const { trends } = await answersOf(machine.asking(`${name}-disordered`), asked, ['trends']);
  expect(trends, 'with the late ones rolled up').toEqual(clean.trends);
  expect(await quartersFromRollups(`${name}-disordered`, asked)).toBeGreaterThan(0);
  return clean;
}

async function quartersFromRollups(project: string, asked: Asked): Promise<number> {
  const { meta } = (await machine.asking(project).question('trend', trendsOf(asked)[0]!.body)) as { meta: { rollups: { buckets: number } } };
  return meta.rollups.buckets;
}

it(`${EVENTS} events of a shop: shuffled, a twentieth twice, a tenth late, every answer is the clean import's and the model's (seed ${SEED})`, async () => {
  const events = shopEvents(EVENTS, seededRandom(SEED + 1));
  const system = new System();
  const clean = await expectEqual('shop', events, SHOP_ASKED, (request) => system.receive(request));
  expect(clean.balance).toMatchObject({ stored: EVENTS, quarantined: 0 });
  expect(comparable(clean)).toEqual(answersByModel(system, 'shop-clean', SHOP_ASKED));
});

const unset = REAL_DATA === undefined ? ' (skipped: set TIDEMARK_REAL_DATA to a folder of CSV or NDJSON files of clickstreams)' : ` (seed ${SEED})`;
it.skipIf(REAL_DATA === undefined)(`real files: disordered they answer as clean${unset}`, async () => {
  const files = realFiles(REAL_DATA!);
  expect(files.length, `${REAL_DATA} holds no .csv, .ndjson or .jsonl file, gzipped or not`).toBeGreaterThan(0);
  for (const [index, { name, events }] of files.entries()) {
    const { balance } = await expectEqual(`real${index}`, events, askedOf(events));
    expect(balance.stored, `${name}: events that were stored`).toBeGreaterThan(0);
    console.log(`${name}: ${events.length} rows, ${balance.stored} stored, ${balance.quarantined} quarantined`);
  }
}, 600_000);
