let made: { page: object; screen: object };
let madeAt: string;

/**
 * What a page knows of itself at the moment of an event. Campaign and referrer's channel are read from it by the server
 * (protocol N5, N6). Made once for an address and title: asking the browser costs more than all the rest of an event.
 */
export function readPageContext(): Record<string, unknown> {
  const { href: url } = location;
  const { title } = document;
  if (madeAt !== url + title) {
    const { pathname: path, search } = location;
    madeAt = url + title;
    made = {
      page: { url, path, search, title, referrer: document.referrer },
      screen: { width: screen.width, height: screen.height, density: devicePixelRatio },
      locale: navigator.language,
      timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    } as typeof made;
  }
  // The host's `beforeSend` may change what it is given.
  return { ...made, page: { ...made.page }, screen: { ...made.screen } };
}
