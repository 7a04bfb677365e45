/** Stores that can't be opened, in words for the person who started the server. */
import { LakeCorrupt } from '@tidemark/lake';
import { LogCorrupt, LogFormatUnknown } from '@tidemark/log';
import { isOfOtherTables } from '@tidemark/warehouse';
import { StartProblem } from '../start-problem.ts';

/**
 * Opens something; what is damaged becomes a StartProblem, any other error stays as it is.
 * @throws StartProblem `lake_corrupt`, `log_corrupt`, `log_format_unknown` or `warehouse_unavailable`
 */
export async function openStore<Store>(open: () => Promise<Store>): Promise<Store> {
  try {
    return await open();
  } catch (cause) {
    const [sentence = ''] = cause instanceof Error ? cause.message.split(';') : [];
    if (cause instanceof LakeCorrupt) {
      throw new StartProblem('lake_corrupt', `${sentence}.`, 'put back a copy of the whole data folder.', { cause });
    }
    if (cause instanceof LogCorrupt) {
      throw new StartProblem('log_corrupt', `${sentence}.`, 'put back a copy of the whole data folder.', { cause });
    }
    if (cause instanceof LogFormatUnknown) {
      throw new StartProblem('log_format_unknown', `${sentence}.`, 'run the version that wrote it.', { cause });
    }
    if (isOfOtherTables(cause)) {
      throw new StartProblem('warehouse_unavailable', `The tables of the warehouse are not as they were made: ${firstLine(cause)}.`, 'put back a copy of the whole data folder.', { cause });
    }
    throw cause;
  }
}

/** @throws StartProblem `warehouse_unavailable` whatever the reason: it has no other user than this start. */
export async function openWarehouse<Store>(path: string, open: () => Promise<Store>): Promise<Store> {
  try {
    return await open();
  } catch (cause) {
    throw new StartProblem(
      'warehouse_unavailable',
      `The warehouse ${path} can't be opened: ${firstLine(cause)}.`,
      "see that its disk has room and that every file in it is this user's; if it is damaged, put back a copy of the whole data folder.",
      { cause },
    );
  }
}

/** It says it; ClickHouse adds versions and stacks. */
function firstLine(cause: unknown): string {
  const [line = ''] = (cause instanceof Error ? cause.message : String(cause)).trim().split('\n');
  return line.slice(0, 300).replace(/\.$/, '');
}
