/** `TIDEMARK_SEED=…` gives properties the same input again, too. */
import { configureGlobal } from 'fast-check';

const seed = process.env['TIDEMARK_SEED'];
if (seed !== undefined) configureGlobal({ seed: Number(seed) });
