import { IGNORE, bareAddress, describe } from './masking.ts';
import type { MaskingOptions } from './masking.ts';
import { listen } from './tracker.ts';
import type { Stop, Tracker } from './tracker.ts';

const CLICKABLE =
  'a,button,summary,label,[role=button],[role=link],[role=menuitem],[role=tab],input[type=submit],input[type=button],[data-tidemark]';

/** Clicks on what can be clicked (`click`), and links that lead to another site (`outbound_link_clicked`). */
export function captureClicks(client: Tracker, masking: MaskingOptions = {}): Stop {
  return listen(document, ['click'], ({ target }: Event) => {
    const element = target instanceof Element ? target.closest(CLICKABLE) : null;
    if (!element || element.closest(IGNORE)) return;
    const described: Record<string, string> = describe(element, masking);
    const link = element.closest('a');
    if (link?.href) described['href'] = bareAddress(link.href);
    client.track('click', described);
    if (link && link.host && link.host !== location.host)
      client.track('outbound_link_clicked', { href: described['href'], host: link.host });
  });
}
