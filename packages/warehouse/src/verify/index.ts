export { setMisfitsAside } from './block-headers.ts';
export * from './checkpoint.ts';
export { describe as describeParts, forgetPartSums, takeCheckpoint } from './checkpoints.ts';
export { keepReplacedParts, partsOnDisk, type PartsOnDisk } from './keep-replaced.ts';
export { mendDefinitions } from './table-definitions.ts';
export { verifyParts, type Verification } from './verify-parts.ts';
