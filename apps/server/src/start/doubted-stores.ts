/**
 * A part that was whole at the last look and is damaged now: the checkpoint vouches for it, so a start would not look.
 * Whoever meets one notes a doubt; the next start then believes no checkpoint, reads every part against its checksums,
 * and mends what is broken from the log and the other stores.
 */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { setMisfitsAside, storeDamage, type StoreDamage } from '@tidemark/warehouse';
import type { RoleContext, RunningRole } from '../child.ts';
import { dataFolders } from '../data-folder.ts';
import type { ServerSettings } from '../settings.ts';
import { StartProblem } from '../start-problem.ts';

/** To be called when an error says that a part is damaged. */
export function noteDoubt(warehousePath: string): void {
  writeFileSync(join(warehousePath, 'doubted'), '');
}

/**
 * Starts the engine; when that meets a damaged part, this process ends, and the next one looks at all of them.
 * @throws StartProblem `store_damaged` when all of them have been looked at
 */
export async function startOrLookAgain(
  settings: ServerSettings,
  context: RoleContext,
  start: (settings: ServerSettings, context: RoleContext) => Promise<RunningRole>,
): Promise<RunningRole> {
  const { warehouse } = dataFolders(settings.dataPath);
  const looked = takeDoubt(warehouse);
  // With some of them no table can be opened.
  if (looked) await setMisfitsAside(join(warehouse, 'data'));
  const lookAgain = async (damage: StoreDamage): Promise<never> => {
    noteDoubt(warehouse);
    context.tell(`${wordsOf(damage)}: the engine starts again and looks at every part.`);
    // The sentence has to leave before the process does.
    await delay(100);
    process.exit(1);
  };
  try {
    return await start(settings, context);
  } catch (error) {
    const damage = storeDamage(error) ?? (error instanceof StartProblem ? storeDamage(error.cause) : undefined);
    if (damage === undefined) {
      // The engine does not say why it could not be opened.
      if (looked || !(error instanceof StartProblem) || error.code !== 'warehouse_unavailable') throw error;
      const [part] = await setMisfitsAside(join(warehouse, 'data'));
      if (part === undefined) throw error;
      return lookAgain({ part, table: undefined });
    }
    if (looked) {
      throw new StartProblem('store_damaged', `${wordsOf(damage)}, and what is in it can not be found again.`, 'put back a copy of the whole data folder.', { cause: error });
    }
    return lookAgain(damage);
  }
}

function takeDoubt(warehousePath: string): boolean {
  const mark = join(warehousePath, 'doubted');
  if (!existsSync(mark)) return false;
  rmSync(join(warehousePath, 'checkpoint'), { force: true });
  rmSync(mark);
  return true;
}

function wordsOf({ part, table }: StoreDamage): string {
  return `A store is damaged (${part === undefined ? 'a part' : `part ${part}`}${table === undefined ? '' : ` of the table ${table}`})`;
}
