import { nextVersion, raiseLine, readLines, sketchSome, type Warehouse } from '@tidemark/warehouse';

export interface SketchParts {
  warehouse: Warehouse;
  /** SELECT of the persons of a project's actors, as `sketchSome` takes it. */
  personsOf(project: string): Promise<string>;
}

/** Of each project, turns the large sets of what is frozen into sketches, once; what a kill leaves undone is gone on with. Answers how many rollups. */
export async function sketchFrozen({ warehouse, personsOf }: SketchParts, signal?: AbortSignal): Promise<number> {
  const sketched = await readLines(warehouse, 'sketched');
  let done = 0;
  for (const [project, frozenMs] of await readLines(warehouse, 'frozen')) {
    if (frozenMs <= (sketched.get(project) ?? -Infinity)) continue;
    const personsSql = await personsOf(project);
    for (let some = 1; some > 0; done += some) {
      signal?.throwIfAborted();
      some = await sketchSome(warehouse, { project, beforeMs: frozenMs, personsSql }, await nextVersion(warehouse));
    }
    await raiseLine(warehouse, 'sketched', frozenMs, project);
  }
  return done;
}
