export { ask, KINDS, type AskContext, type Freshness, type Kind } from './ask.ts';
export { exportEvents, ExportRequest, exportSql, type EventExport } from './export.ts';
export { outputLine, toOutput, type OutputEvent, type TimelineRow } from './output.ts';
export { PROBLEM_CODES, QuestionError, type Problem, type ProblemCode } from './problem.ts';
export { timelineQuery, type TimelinePage, type TimelineRequest } from './timeline.ts';
export { traceQuery, type EventTrace } from './trace.ts';
export { Meta, Where } from './schema.ts';
export { readTime, zoneOf } from './range.ts';
