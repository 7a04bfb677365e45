export * from './admission.ts';
export * from './quarantine-record.ts';
