export * from './admission.ts';
export * from './create-admission.ts';
export { openGeo } from './geo.ts';
export type { CountryOf } from './geo.ts';
export * from './quarantine-record.ts';
export { stopByValve } from './valves.ts';
export { sliceElements } from './slice-elements.ts';
