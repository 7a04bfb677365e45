import type { Clock, Random, State } from '../ports.ts';
import { createUuid } from '../uuid.ts';

/** As everywhere in web analytics, and as the server's own sessions (docs/questions/sessions.md). */
const GAP_MS = 30 * 60_000;

/** The id of the session that an event of now belongs to (SPEC D3); the event extends it. */
export function touchSession(state: State, clock: Clock, random: Random): string {
  const now = clock.now();
  const [id, last] = (state.get('session') ?? '').split(' ');
  const session = id && Math.abs(now - Number(last)) <= GAP_MS ? id : createUuid(now, random);
  state.set('session', `${session} ${now}`);
  return session;
}
