import { namesIn, withoutTexts } from './defined-names.ts';
import { joinSessions, type SessionSpan } from './session-of-event.ts';
import { joinTraits } from './traits-as-of.ts';

/** The JOINs that a table of events of a range needs for what is `read` of it; `withDefinitions` defines what they join. */
export function joinsFor(read: string, range: SessionSpan): string {
  const bare = withoutTexts(read);
  const traits = [...namesIn(bare)].filter(([, { what }]) => what === 'traits').map(([name]) => ` ${joinTraits(name)}`);
  return traits.join('') + joinSessions(bare, range);
}
