/** What capture may read of a page: names that its authors gave, never what people typed or were shown, unless told. */

export interface MaskingOptions {
  /** Also the visible text of what was clicked, at most 100 characters; default false. Never of fields, nor below `data-tidemark-mask`. */
  text?: boolean;
}

/** Nothing below an element with this attribute is captured. */
export const IGNORE = '[data-tidemark-ignore]';
const MASK = '[data-tidemark-mask],input,textarea,select,[contenteditable]';

/** How an element is called by who made the page. */
export function describe(element: Element, { text = false }: MaskingOptions): Record<string, string> {
  const described: Record<string, string> = { element: element.tagName.toLowerCase() };
  for (const name of ['id', 'name', 'role', 'type', 'aria-label', 'data-tidemark']) {
    const value = element.getAttribute(name);
    if (value) described[name] = value.slice(0, 100);
  }
  if (text && !element.closest(MASK)) {
    const shown = (element.textContent ?? '').replace(/\s+/g, ' ').trim().slice(0, 100);
    if (shown) described['text'] = shown;
  }
  return described;
}

/** An address without what people put into it: no query, no fragment, no user or password. */
export function bareAddress(url: string): string {
  try {
    const { protocol, host, pathname } = new URL(url, location.href);
    return protocol.startsWith('http') ? `${protocol}//${host}${pathname}` : protocol;
  } catch {
    return '';
  }
}
