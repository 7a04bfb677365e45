/** The process of one SQL query: started by the engine, handed the project's files, gone at its end. */
import { runQueryProcess } from '@tidemark/warehouse';

await runQueryProcess();
