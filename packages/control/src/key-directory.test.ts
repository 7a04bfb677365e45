import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import type { Control, KeyDirectory, WriteKeyGrant } from './control.ts';
import type { DoorSettings, RateLimits } from './project-settings.ts';
import { openKeyDirectory } from './key-directory.ts';
import type { KeyDirectoryOptions } from './key-directory.ts';
import { failure, temporaryControl, temporaryControlPath } from './testing.ts';

const DEFAULTS: DoorSettings = { bots: 'flag', ip: 'drop', retentionDays: null, consentCategory: 'analytics' };
const NO_LIMITS: RateLimits = { eventsPerSecond: null, bytesPerSecond: null };

async function temporaryDirectory(path: string, options: KeyDirectoryOptions = {}): Promise<KeyDirectory> {
  const directory = await openKeyDirectory(path, { pollMs: 5, ...options });
  onTestFinished(() => directory.close());
  return directory;
}

test('knows live keys with their limits and settings, and sees each change', async () => {
  const path = temporaryControlPath();
  const control = await temporaryControl({ path });
  const { project, writeKey } = await control.ensureFirstProject();
  const key = writeKey as string;
  const directory = await temporaryDirectory(path);
  expect(directory.find(key)).toEqual({ project, source: 'default', limits: NO_LIMITS, settings: DEFAULTS });
  expect(directory.find('never-issued')).toBeUndefined();

  await control.keys.setLimits({ project, key, limits: { eventsPerSecond: 100 }, actor: 'test' });
  await expect.poll(() => directory.find(key)?.limits).toEqual({ eventsPerSecond: 100, bytesPerSecond: null });
  await control.settings.set({ project, settings: { ip: 'truncate', retentionDays: 90 }, actor: 'test' });
  await expect.poll(() => directory.find(key)?.settings).toEqual({ bots: 'flag', ip: 'truncate', retentionDays: 90, consentCategory: 'analytics' });
  await control.keys.revoke({ project, key, actor: 'test' });
  await expect.poll(() => directory.find(key)).toBeUndefined();
});

test('waits for the file that another process is about to make', async () => {
  const path = temporaryControlPath();
  const opening = temporaryDirectory(path, { waitMs: 10_000 });
  await sleep(100);
  const control = await temporaryControl({ path });
  const { writeKey } = await control.ensureFirstProject();
  const directory = await opening;
  await expect.poll(() => directory.find(writeKey as string)).toBeDefined();
});

test('rejects when the file does not come: an empty directory would turn good clients away', async () => {
  expect(await failure(openKeyDirectory(temporaryControlPath(), { waitMs: 60 }))).toMatchObject({
    code: 'control_unavailable',
  });
});

test('keeps answering while a writer holds the file, and after that writer was killed', async () => {
  const path = temporaryControlPath();
  const control = await temporaryControl({ path });
  const { project, writeKey } = await control.ensureFirstProject();
  const directory = await temporaryDirectory(path);
  const writer = fork(new URL('./testing-writer.mjs', import.meta.url), [path], { execArgv: [] });
  onTestFinished(() => void writer.kill('SIGKILL'));
  await once(writer, 'message');
  await sleep(30);
  expect(directory.find(writeKey as string)).toBeDefined();
  writer.kill('SIGKILL');
  await once(writer, 'exit');
  // Its half transaction is gone, and the file takes writes again.
  const { key } = await control.keys.create({ project, source: 'default', actor: 'test' });
  await expect.poll(() => directory.find(key)).toBeDefined();
  expect(directory.find('half-written')).toBeUndefined();
});

type Step =
  | { do: 'project' }
  | { do: 'deleteProject'; project: number }
  | { do: 'source'; project: number; id: string }
  | { do: 'deleteSource'; project: number; id: string }
  | { do: 'key'; project: number; id: string }
  | { do: 'revoke'; key: number }
  | { do: 'limits'; key: number; limits: Partial<RateLimits> }
  | { do: 'settings'; project: number; settings: Partial<DoorSettings> };

const index = fc.nat({ max: 7 });
const id = fc.constantFrom('web', 'app', 'default');
const rate = fc.option(fc.double({ min: 0.1, max: 1e6, noNaN: true }));
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('project' as const) }),
  fc.record({ do: fc.constant('deleteProject' as const), project: index }),
  fc.record({ do: fc.constant('source' as const), project: index, id }),
  fc.record({ do: fc.constant('deleteSource' as const), project: index, id }),
  fc.record({ do: fc.constant('key' as const), project: index, id }),
  fc.record({ do: fc.constant('revoke' as const), key: index }),
  fc.record({
    do: fc.constant('limits' as const),
    key: index,
    limits: fc.record({ eventsPerSecond: rate, bytesPerSecond: rate }, { requiredKeys: [] }),
  }),
  fc.record({
    do: fc.constant('settings' as const),
    project: index,
    settings: fc.record(
      {
        bots: fc.constantFrom('flag' as const, 'drop' as const),
        ip: fc.constantFrom('drop' as const, 'truncate' as const, 'keep' as const),
        retentionDays: fc.option(fc.integer({ min: 1, max: 36_500 })),
      },
      { requiredKeys: [] },
    ),
  }),
);

interface ModelProject {
  alive: boolean;
  settings: DoorSettings;
  sources: Set<string>;
}
interface ModelKey {
  project: string;
  source: string;
  limits: RateLimits;
  live: boolean;
}

/** The rules again, as plainly as can be; takes part only in steps that the store took. */
class Model {
  readonly projects = new Map<string, ModelProject>();
  readonly keys = new Map<string, ModelKey>();

  grants(): Map<string, WriteKeyGrant | undefined> {
    return new Map(
      [...this.keys].map(([key, { project, source, limits, live }]) => {
        const owner = this.projects.get(project) as ModelProject;
        const open = live && owner.alive;
        return [key, open ? { project, source, limits, settings: owner.settings } : undefined];
      }),
    );
  }
}

/** Does a step in both; true if both took it, false if both refused. */
async function take(control: Control, model: Model, step: Step): Promise<boolean> {
  const actor = 'test';
  const at = (of: Map<string, unknown>, n: number): string => [...of.keys()][n % of.size] as string;
  const project = 'project' in step ? at(model.projects, step.project) : '';
  const owner = model.projects.get(project) as ModelProject;
  const key = 'key' in step ? at(model.keys, step.key) : '';
  const known = model.keys.get(key) as ModelKey;
  const keyIsOpen = known?.live && (model.projects.get(known.project) as ModelProject).alive;
  switch (step.do) {
    case 'project': {
      const made = await control.projects.create({ name: 'x', actor });
      model.projects.set(made.project.id, { alive: true, settings: DEFAULTS, sources: new Set(['default']) });
      model.keys.set(made.key.key, { project: made.project.id, source: 'default', limits: NO_LIMITS, live: true });
      return true;
    }
    case 'deleteProject': {
      // The first project holds the only admin token.
      const taken = owner.alive && project !== at(model.projects, 0);
      await expectTaken(taken, control.projects.delete({ id: project, actor }));
      if (taken) owner.alive = false;
      return taken;
    }
    case 'source': {
      const taken = owner.alive && !owner.sources.has(step.id);
      await expectTaken(taken, control.sources.create({ project, id: step.id, name: 'x', actor }));
      if (taken) owner.sources.add(step.id);
      return taken;
    }
    case 'deleteSource': {
      const taken = owner.alive && owner.sources.has(step.id);
      await expectTaken(taken, control.sources.delete({ project, id: step.id, actor }));
      if (taken) {
        owner.sources.delete(step.id);
        for (const each of model.keys.values())
          if (each.project === project && each.source === step.id) each.live = false;
      }
      return taken;
    }
    case 'key': {
      const taken = owner.alive && owner.sources.has(step.id);
      const made = await expectTaken(taken, control.keys.create({ project, source: step.id, actor }));
      if (made) model.keys.set(made.key, { project, source: step.id, limits: NO_LIMITS, live: true });
      return taken;
    }
    case 'revoke': {
      await expectTaken(keyIsOpen, control.keys.revoke({ project: known.project, key, actor }));
      if (keyIsOpen) known.live = false;
      return keyIsOpen;
    }
    case 'limits': {
      await expectTaken(keyIsOpen, control.keys.setLimits({ project: known.project, key, limits: step.limits, actor }));
      if (keyIsOpen) known.limits = { ...known.limits, ...step.limits };
      return keyIsOpen;
    }
    case 'settings': {
      await expectTaken(owner.alive, control.settings.set({ project, settings: step.settings, actor }));
      if (owner.alive) owner.settings = { ...owner.settings, ...step.settings };
      return owner.alive;
    }
  }
}

async function expectTaken<T>(taken: boolean, result: Promise<T>): Promise<T | undefined> {
  if (taken) return result;
  expect(await failure(result)).toHaveProperty('code');
  return undefined;
}

test('after any history of administration, the directory holds exactly what the rules say', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const path = temporaryControlPath();
      const control = await temporaryControl({ path });
      const model = new Model();
      const first = await control.ensureFirstProject();
      model.projects.set(first.project, { alive: true, settings: DEFAULTS, sources: new Set(['default']) });
      model.keys.set(first.writeKey as string, {
        project: first.project,
        source: 'default',
        limits: NO_LIMITS,
        live: true,
      });
      const directory = await openKeyDirectory(path, { pollMs: 1 });
      let changes = 0;
      for (const each of steps) if (await take(control, model, each)) changes += 1;

      for (const [key, grant] of model.grants())
        await expect.poll(() => directory.find(key), { interval: 2 }).toEqual(grant);
      // Each change left its line, and nothing that was refused did: creations of a project leave four.
      const lines = await Promise.all(
        [...model.projects.keys()].map((project) => control.audit.list(project, { limit: 1_000 })),
      );
      const projects = model.projects.size;
      expect(lines.flat()).toHaveLength(changes - (projects - 1) + 4 * projects);
      await directory.close();
      await control.close();
    }),
    { numRuns: 40 },
  );
});
