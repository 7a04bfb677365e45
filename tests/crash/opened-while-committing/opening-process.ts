/** Opens the log and closes it, again and again, until it is killed. Says each time that it has. */
import { LmdbLogReader } from '@tidemark/log';

for (;;) {
  const reader = LmdbLogReader.open(process.argv[2] ?? '');
  await reader?.close();
  process.stdout.write('.');
  // Without it the writer hardly ever has its turn.
  await new Promise((resolve) => setTimeout(resolve, 3));
}
