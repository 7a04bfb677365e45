/** A process for one query, with the folder that it will be handed. */
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { confined, unconfined } from './confine.ts';
import { RESULTS_FOLDER, type AdhocStart } from './order.ts';
import { QueryRun } from './query-run.ts';

export class QuerySeat {
  readonly run: QueryRun;
  /** Seen from here. */
  readonly folder: string;
  /** The same, as the process finds it. */
  readonly folderInside: string;
  /** For what the process is not to see. */
  readonly aside: string;
  readonly #own: string;
  #ended: Promise<void> | undefined;

  /** Starts the process. `folder`: where its own may be made. `fileBytes`: what its largest file may have. */
  constructor({ program, folder, isConfined, fileBytes }: { program: string; folder: string; isConfined: boolean; fileBytes: number }, start: AdhocStart) {
    this.#own = join(folder, randomUUID());
    this.folder = join(this.#own, 'handed');
    this.aside = join(this.#own, 'aside');
    const root = join(this.#own, 'root');
    for (const each of [join(this.folder, RESULTS_FOLDER), this.aside, root]) mkdirSync(each, { recursive: true, mode: 0o700 });
    const command = (isConfined ? confined : unconfined)(program, this.folder, root, fileBytes);
    this.folderInside = command.folder;
    this.run = new QueryRun(command, start);
  }

  /** Resolves when nothing of it is left, whatever it was doing. */
  end(): Promise<void> {
    return (this.#ended ??= this.run.end().then(() => rm(this.#own, { recursive: true, force: true, maxRetries: 3 })));
  }
}
