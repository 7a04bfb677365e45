/** What capture needs of a client; each capture returns the function that ends it. */
export interface Tracker {
  track(eventName: string, properties?: Record<string, unknown>): void;
  page(name?: string, properties?: Record<string, unknown>): void;
}
export type Stop = () => void;

/** Listens until stopped; in the capture phase, so that a page's own handlers can't hide the event. */
export function listen<E extends Event>(
  target: EventTarget,
  types: readonly string[],
  handle: (event: E) => void,
): Stop {
  const options = { capture: true, passive: true };
  for (const type of types) target.addEventListener(type, handle as EventListener, options);
  return () => {
    for (const type of types) target.removeEventListener(type, handle as EventListener, options);
  };
}
