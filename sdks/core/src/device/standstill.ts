import type { DurableQueue } from '../journalled-queue.ts';
import type { State } from '../ports.ts';
import type { DeviceClient } from './client.ts';

/** For a life that stands still while others go on, as a page in the back/forward cache does (SPEC P5). */
export interface Standstill {
  begin(): void;
  /** Nothing reached it: what was chosen, sent and deleted meanwhile it sees now. */
  end(): void;
}

/** `state` is the device's real storage. */
export function createStandstill(client: DeviceClient, state: State, queue: DurableQueue): Standstill {
  let grant: string | undefined;
  return {
    begin() {
      grant = state.get('consent');
    },
    end() {
      if (grant && !state.get('consent')) client.consent('denied');
      void queue.restoreAgain();
    },
  };
}
