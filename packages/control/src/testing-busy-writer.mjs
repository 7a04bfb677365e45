// Commits one small change after another until it is killed, and lets the write-ahead log begin anew often; told to by opened-beside.test.ts.
import Libsql from 'libsql';

const db = new Libsql(process.argv[2], { timeout: 5_000 });
db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 8');
db.exec('CREATE TABLE IF NOT EXISTS busy (n INTEGER PRIMARY KEY, text TEXT)');
const insert = db.prepare('INSERT OR REPLACE INTO busy VALUES (?, ?)');
process.send('writing');
for (let n = 0; ; n++) {
  insert.run(n % 50, `${n}`.repeat(200));
  if (n % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
}
