import { namesIn, withoutTexts } from '../properties/defined-names.ts';
import { joinSessions, type SessionSpan } from '../sessions/session-of-event.ts';
import { joinTraits } from '../properties/traits-as-of.ts';

/** The JOINs that a table of events of a range needs for what is `read` of it; `withDefinitions` defines what they join. */
export function joinsFor(read: string, range: SessionSpan): string {
  const bare = withoutTexts(read);
  const traits = [...namesIn(bare)].filter(([, { what }]) => what === 'traits').map(([name]) => ` ${joinTraits(name)}`);
  return traits.join('') + joinSessions(bare, range);
}
