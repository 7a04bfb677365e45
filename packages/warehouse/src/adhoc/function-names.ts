/** What the engine calls the functions that are written otherwise: `COUNT`, `lcase`. */
import { withoutCombinators } from './functions.ts';

export interface EngineFunction {
  name: string;
  /** '' when it is no alias. */
  alias_to: string;
  case_insensitive: number;
}

export class FunctionNames {
  readonly #exact = new Map<string, string>();
  readonly #anyCase = new Map<string, string>();

  /** `known`: all that `system.functions` lists. */
  constructor(known: readonly EngineFunction[]) {
    for (const { name, alias_to: aliasTo, case_insensitive: anyCase } of known) {
      const canonical = aliasTo === '' ? name : aliasTo;
      this.#exact.set(name, canonical);
      if (Number(anyCase) === 1) this.#anyCase.set(name.toLowerCase(), canonical);
    }
  }

  /** The canonical names of those that the engine has, combinators and all. */
  canonical(names: readonly string[]): Map<string, string> {
    const found = new Map<string, string>();
    for (const name of names) {
      for (const base of withoutCombinators(name)) {
        const same = this.#exact.get(base) ?? this.#anyCase.get(base.toLowerCase());
        if (same === undefined) continue;
        found.set(name, same + name.slice(base.length));
        break;
      }
    }
    return found;
  }
}
