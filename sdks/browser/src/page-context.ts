/** Asked once: it costs more than all the rest of an event. */
let timezone: string | undefined;

/** What a page knows of itself at the moment of an event. Campaign and referrer's channel are read from it by the server (protocol N5, N6). */
export function readPageContext(): Record<string, unknown> {
  const { href, pathname, search } = location;
  return {
    page: { url: href, path: pathname, search, title: document.title, referrer: document.referrer },
    locale: navigator.language,
    timezone: (timezone ??= Intl.DateTimeFormat().resolvedOptions().timeZone),
    screen: { width: screen.width, height: screen.height, density: devicePixelRatio },
  };
}
