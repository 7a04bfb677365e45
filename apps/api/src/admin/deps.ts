import type { Control } from '@tidemark/control';
import type { Warehouse } from '@tidemark/warehouse';

export interface AdminDeps {
  control: Control;
  /** Judges patterns in channel rules. */
  warehouse: Pick<Warehouse, 'query'>;
}
