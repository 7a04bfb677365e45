import { IGNORE, describe } from './masking.ts';
import type { Stop, Tracker } from './tracker.ts';

/**
 * Elements that were seen (`impression`): those with `data-tidemark-impression`, once each, when half of one has been in
 * view for a second (the Media Rating Council's rule for a viewable display impression).
 */
export function captureImpressions(client: Tracker, { share = 0.5, durationMs = 1_000 } = {}): Stop {
  const timers = new Map<Element, ReturnType<typeof setTimeout>>();
  const seen = new WeakSet<Element>();
  const views = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        clearTimeout(timers.get(target));
        timers.delete(target);
        if (!isIntersecting) continue;
        timers.set(
          target,
          setTimeout(() => {
            views.unobserve(target);
            timers.delete(target);
            client.track('impression', {
              ...describe(target, {}),
              impression: target.getAttribute('data-tidemark-impression') ?? '',
            });
          }, durationMs),
        );
      }
    },
    { threshold: share },
  );
  const find = (root: Element): void => {
    for (const element of [root, ...root.querySelectorAll('[data-tidemark-impression]')]) {
      if (!element.hasAttribute('data-tidemark-impression') || seen.has(element) || element.closest(IGNORE)) continue;
      seen.add(element);
      views.observe(element);
    }
  };
  const additions = new MutationObserver((changes) => {
    for (const { addedNodes } of changes) for (const node of addedNodes) if (node instanceof Element) find(node);
  });
  find(document.documentElement);
  additions.observe(document, { childList: true, subtree: true });
  return () => {
    additions.disconnect();
    views.disconnect();
    for (const timer of timers.values()) clearTimeout(timer);
  };
}
