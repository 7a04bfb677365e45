/** The plain in-memory oracle: events in, answers out; obviously right and slow. For tests only. */
export { attribution, type AttributionAnswer, type AttributionQuestion } from './attribution.ts';
export { bucketStarts, WEEK_DAYS, type Granularity, type WeekDay } from './calendar.ts';
export { cohort, withCohorts, type CohortAnswer, type CohortedEvent, type CohortQuestion } from './cohort.ts';
export { atTheDoor, meaningOf, type Admitted, type AtTheDoor, type DoorFacts } from './door.ts';
export { toDecimal, toNumber } from './decimal.ts';
export { experiment, type ExperimentQuestion, type ExperimentSums } from './experiment.ts';
export { funnel, funnelPeople, type FunnelAnswer, type FunnelPerson, type FunnelQuestion } from './funnel.ts';
export { peopleShown, type PersonShown } from './people.ts';
export { personOf, persons, type IdentityDecision, type Persons } from './person.ts';
export { withOwners, type OwnedEvent } from './owner-values.ts';
export { withSessions, type SessionedEvent } from './session-of-event.ts';
export { numberOf, textOf } from './property.ts';
export { retention, type RetentionQuestion, type RetentionTable } from './retention.ts';
export { System, type EndAtTheDoor, type Ends, type Leaving, type ProjectRules, type Request } from './system.ts';
export { sessions, sessionsOf, type Session, type SessionsLine, type SessionsQuestion } from './sessions.ts';
export { timeline } from './timeline.ts';
export { trend, type Measure, type TrendLine, type TrendQuestion } from './trend.ts';
export { holds, type Condition, type Where } from './where.ts';
