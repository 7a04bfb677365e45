import { listen } from './tracker.ts';
import type { Stop, Tracker } from './tracker.ts';

const MARKS = [25, 50, 75, 100];

/** How far down a page was read (`scroll_depth`): a quarter, half, three quarters, all; each once for a path. */
export function captureScroll(client: Tracker): Stop {
  let path = '';
  let reached = 0;
  let asked = false;
  const look = (): void => {
    asked = false;
    if (path !== (path = location.pathname)) reached = 0;
    const { scrollHeight } = document.documentElement;
    // A page that fits the window was not scrolled.
    if (scrollHeight <= innerHeight) return;
    const percent = ((scrollY + innerHeight) / scrollHeight) * 100;
    for (const mark of MARKS) {
      // A pixel is lost to rounding on zoomed pages.
      if (mark <= reached || percent + 0.5 < mark) continue;
      reached = mark;
      client.track('scroll_depth', { percent: mark });
    }
  };
  return listen(window, ['scroll'], () => {
    if (!asked) requestAnimationFrame(look);
    asked = true;
  });
}
