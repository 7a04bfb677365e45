/** How a dimension is read of an event: as a question reads the property that it answers for. */
interface RollupDimension {
  /** Column of `rollup_rows`. */
  column: string;
  /** Nullable(String) over a row of `events`. */
  sql: string;
}

/** What one rollup of a quarter of an hour keeps apart, beside the event's name, source and whether it is a bot's. */
export interface RollupDefinition {
  /** '' = the fixed dimensions; else the one that a project names, whose column is `value`. */
  property: string;
  dimensions: readonly RollupDimension[];
  /** Values of a named property that one bucket may have, MAX_VALUES unless told. */
  maxValues?: number;
}
