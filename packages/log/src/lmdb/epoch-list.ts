/** The epochs of a log, as its environment keeps them. */
import { firstEpoch, type Epoch } from '../epochs.ts';
import type { Environment } from './environment.ts';
import { epochMark, MARK } from './epoch-mark.ts';

/** Empty for an environment in which no writer has begun a log. */
export function readEpochs({ meta }: Pick<Environment, 'meta'>): Epoch[] {
  const list = meta?.get('epochs');
  if (list !== undefined) return JSON.parse(list) as Epoch[];
  // Logs of before there could be more than one.
  const only = meta?.get('epoch');
  return only === undefined ? [] : [firstEpoch(only, 0)];
}

/** The writes that keep them. `epoch` is the current one by itself, as programs before this list read it. */
export function epochPuts({ meta }: Pick<Environment, 'meta'>, epochs: readonly Epoch[]): Promise<boolean>[] {
  const name = epochs.at(-1)!.name;
  const list = JSON.stringify(epochs);
  return [meta.put('epoch', name), meta.put('epochs', list), meta.put(MARK, epochMark(name, list))];
}
