// Holds the control file with a half transaction until it is killed; told to by key-directory.test.ts.
import Libsql from 'libsql';

const db = new Libsql(process.argv[2]);
db.exec('BEGIN IMMEDIATE');
db.exec(`INSERT INTO write_keys (key, project, source, created_at_ms)
  SELECT 'half-written', project, id, 0 FROM sources LIMIT 1`);
process.send('holding');
setInterval(() => {}, 1_000);
