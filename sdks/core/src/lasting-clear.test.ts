import { expect, it } from 'vitest';
import { lastingClear } from './lasting-clear.ts';
import type { Journal, QueuedEvent, State } from './ports.ts';

/** A device's storage whose deletion can be made to never end. */
function createDevice(): { journal: Journal; state: State; texts: Map<string, string>; stuck: boolean } {
  let events: QueuedEvent[] = [];
  const texts = new Map<string, string>();
  const device = {
    texts,
    stuck: false,
    state: {
      get: (key: string) => texts.get(key),
      set: (key: string, value: string | undefined) => void (value === undefined ? texts.delete(key) : texts.set(key, value)),
    },
    journal: {
      load: async () => events,
      add: async (event: QueuedEvent) => void events.push(event),
      remove: async () => {},
      clear: async () => {
        if (device.stuck) await new Promise(() => {});
        events = [];
      },
    },
  };
  return device;
}

it('deletes at the next start what a life that ended could not (SPEC P5)', async () => {
  const device = createDevice();
  const { journal, state, texts } = device;
  state.set('anonymousId', 'a');
  const ending = lastingClear(journal, state);
  await ending.add({ eventId: '1', text: '{}', bytes: 2 });
  device.stuck = true;
  void ending.clear();
  state.set('anonymousId', undefined);
  expect(texts.size).toBe(1);
  device.stuck = false;
  expect(await lastingClear(journal, state).load()).toEqual([]);
  expect(texts.size).toBe(0);
});

it('stores no mark where nothing was granted (SPEC P1)', async () => {
  const { journal, state, texts } = createDevice();
  const cleared = lastingClear(journal, state).clear();
  expect(texts.size).toBe(0);
  await cleared;
});
