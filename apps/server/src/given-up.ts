import { probeFolder } from '@tidemark/log';

const LOOK_EVERY_MS = 1_000;

interface GivenUp {
  readonly givenUp: boolean;
}

/**
 * A file that LMDB has given up after a failed write can only be written by another process. Once the disk takes writes
 * again this one ends in good order, and the supervisor starts the next, which reads what is really there. Until then it
 * goes on answering: the collector that it can't take events, the engine questions.
 */
export function endWhenGivenUp(store: GivenUp, folder: string, tell: (sentence: string) => void): () => void {
  let ending = false;
  async function look(): Promise<void> {
    if (ending || !store.givenUp) return;
    const wellAgain = await probeFolder(folder).then(
      () => true,
      () => false,
    );
    if (ending || !wellAgain) return;
    ending = true;
    tell(`The disk of ${folder} takes writes again; this process ends, so that its file can be opened anew.`);
    process.kill(process.pid, 'SIGTERM');
  }
  const timer = setInterval(() => void look(), LOOK_EVERY_MS);
  return () => clearInterval(timer);
}
