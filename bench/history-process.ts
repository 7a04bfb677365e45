/** Lands a history in a data folder that nobody else has open; see bench/prepare/lake-history.ts. */
import { landHistory } from './prepare/lake-history.ts';
import { doOrder } from './server/do-order.ts';

doOrder(landHistory);
