import { sql as projects } from './001-projects.ts';
import { sql as valves } from './002-valves.ts';
import { sql as identityDecisions } from './003-identity-decisions.ts';
import { sql as jobs } from './004-jobs.ts';
import { sql as rollupProperties } from './005-rollup-properties.ts';
import { sql as channelRules } from './006-channel-rules.ts';
import { sql as staticCohorts } from './007-static-cohorts.ts';
import { sql as consentCategory } from './008-consent-category.ts';

/** In order; the schema's version is the number of migrations applied. Never edit one that was released: add one. */
export const migrations: readonly string[] = [projects, valves, identityDecisions, jobs, rollupProperties, channelRules, staticCohorts, consentCategory];
