import { IGNORE, bareAddress } from './masking.ts';
import { listen } from './tracker.ts';
import type { Stop, Tracker } from './tracker.ts';

/** Forms that are submitted (`form_submitted`): which form, never what was filled in. */
export function captureForms(client: Tracker): Stop {
  return listen(document, ['submit'], ({ target }: Event) => {
    if (!(target instanceof HTMLFormElement) || target.closest(IGNORE)) return;
    client.track('form_submitted', {
      // By attribute: a field named `id` or `action` would stand in the property's place.
      id: target.getAttribute('id') ?? undefined,
      name: target.getAttribute('name') ?? undefined,
      action: bareAddress(target.getAttribute('action') ?? location.href),
    });
  });
}
