/** Asks a question and a plain statement in turns, in a chDB folder that nobody else has open; see bench/prepare/ask-in-turns.ts. */
import { ask, WarehouseIdentities } from '@tidemark/analytics';
import { ChdbWarehouse, migrateWarehouse } from '@tidemark/warehouse';
import type { TurnsOrder, TurnsResult } from './prepare/ask-in-turns.ts';

process.once('message', (order: TurnsOrder) => {
  turns(order).then(
    (result) => process.send?.(result, () => process.exit(0)),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});

async function turns({ warehousePath, project, kind, question, plain, second, rounds }: TurnsOrder): Promise<TurnsResult> {
  const warehouse = await ChdbWarehouse.open({ path: warehousePath });
  await migrateWarehouse(warehouse);
  const nowMs = Date.now();
  const freshness = { status: () => ({ asOfMs: nowMs, watermarkMs: nowMs }), caughtUp: () => Promise.resolve(true) };
  const identities = new WarehouseIdentities({ warehouse, decisionsOf: () => Promise.resolve([]), changes: () => ({ claims: 0, links: 0, events: 0 }) });
  const context = { project, warehouse, clock: Date.now, freshness, identities };
  const result: TurnsResult = { answer: {}, second: second === undefined ? [] : (await warehouse.query(second)).rows, oursMs: [], plainMs: [] };
  for (let round = -1; round < rounds; round++) {
    const startedAt = performance.now();
    result.answer = await ask(kind, question, context);
    const askedAt = performance.now();
    // As a statement that somebody waits for, on all cores, as those of the question.
    await warehouse.query(plain, {});
    // The first round warms up.
    if (round < 0) continue;
    result.oursMs.push(askedAt - startedAt);
    result.plainMs.push(performance.now() - askedAt);
  }
  await warehouse.close();
  return result;
}
