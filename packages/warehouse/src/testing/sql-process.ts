import { runQueryProcess } from '../adhoc/query-process.ts';

await runQueryProcess();
