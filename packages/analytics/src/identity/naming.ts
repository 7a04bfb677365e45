/** How a statement names people: by their keys where some are shown, else by hashes of these, which are grouped and joined in less time. */
import { ACTOR_COLUMNS, joinIdentity, PERSON_SQL } from './person.ts';
import { ACTOR_HASH_COLUMN, joinPersonHashes, PERSON_HASH_SQL } from './person-hash.ts';
import type { ProjectIdentity } from './project-identity.ts';

export interface Naming {
  /** Columns of an event that name its actor, `expression AS name`. */
  columns: string;
  /** The names of these columns, to be grouped by. */
  actor: string;
  /** SQL of the person of a row with these columns, joined by `join`. */
  person: string;
  join(identity: ProjectIdentity): string;
  /** Column `device` of an event, told apart from others of the same person, and its value where there is none. */
  device: string;
  noDevice: string;
}

/** For statements that show people, or read what is known of them. */
export const BY_KEY: Naming = { columns: ACTOR_COLUMNS, actor: 'actor_user, actor_device', person: PERSON_SQL, join: joinIdentity, device: 'anonymous_id AS device', noDevice: `''` };

/** For statements that count people. 64 bits of a device are enough: a person has few. */
export const BY_HASH: Naming = {
  columns: ACTOR_HASH_COLUMN, actor: 'actor', person: PERSON_HASH_SQL, join: joinPersonHashes, device: `if(anonymous_id = '', 0, xxh3(anonymous_id)) AS device`, noDevice: '0',
};
