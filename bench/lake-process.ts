/** Makes the lake of a store that nobody else has open; see bench/questions/store/lake-of-store.ts. */
import { makeLake } from './questions/store/lake-of-store.ts';
import { doOrder } from './server/do-order.ts';

doOrder(makeLake);
