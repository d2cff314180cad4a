/** Keeps the embedded cluster's objects in one SQLite file, so that they are there after a restart. */
import { chmodSync, closeSync, openSync, renameSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { jsonText, parseJson } from '#model/json.ts';
import type { Log, ObjectKeeper } from '#model/ports.ts';

const schemaVersion = 1;

export interface DiskObjectKeeper extends ObjectKeeper {
  close(): void;
}

/** A file that cannot be read is put aside and a new one begun: what is in it can be applied again. */
export function openObjectKeeper(file: string, log: Log): DiskObjectKeeper {
  try {
    return keeperOn(open(file));
  } catch (error) {
    const aside = `${file}.unreadable`;
    log.error({ file, aside, cause: String(error) }, 'the embedded cluster cannot be read: it begins anew');
    for (const suffix of ['', '-wal', '-shm']) {
      try {
        renameSync(`${file}${suffix}`, `${aside}${suffix}`);
      } catch {
        // There is none.
      }
    }
    return keeperOn(open(file));
  }
}

function open(file: string): DatabaseSync {
  // Secrets are in it. What SQLite makes beside it has the same mode.
  closeSync(openSync(file, 'a', 0o600));
  chmodSync(file, 0o600);
  const database = new DatabaseSync(file);
  try {
    const known = database.prepare('PRAGMA user_version').get() as { readonly user_version: number };
    if (known.user_version > schemaVersion)
      throw new Error(`it is of version ${known.user_version}, which a later Trueup wrote`);
    const checked = database.prepare('PRAGMA quick_check(1)').get() as { readonly quick_check: string };
    if (checked.quick_check !== 'ok') throw new Error(checked.quick_check);
    // A crash of the machine may lose the last changes, a crash of the process none.
    database.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = NORMAL;
      CREATE TABLE IF NOT EXISTS objects (
        resource TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (resource, key)
      ) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS counter (version INTEGER NOT NULL);
    `);
    database.exec(`
      PRAGMA user_version = ${schemaVersion};
      INSERT INTO counter (version) SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM counter);
    `);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function keeperOn(database: DatabaseSync): DiskObjectKeeper {
  const upsert = database.prepare(
    'INSERT INTO objects (resource, key, body) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body',
  );
  const erase = database.prepare('DELETE FROM objects WHERE resource = ? AND key = ?');
  const count = database.prepare('UPDATE counter SET version = ?');
  const begin = database.prepare('BEGIN');
  const commit = database.prepare('COMMIT');
  // Together: a version that was given to an object is never given again.
  const change = (version: number, write: () => void): void => {
    begin.run();
    try {
      write();
      count.run(version);
      commit.run();
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK');
      throw error;
    }
  };
  return {
    load: () => {
      const { version } = database.prepare('SELECT version FROM counter').get() as {
        readonly version: number;
      };
      const rows = database.prepare('SELECT resource, body FROM objects').all() as unknown as readonly {
        readonly resource: string;
        readonly body: string;
      }[];
      const objects = rows.map(({ resource, body }) => ({ resource, object: parseJson(body) }));
      return { version, objects };
    },
    put: (resource, key, version, object) => {
      const body = jsonText(object);
      change(version, () => upsert.run(resource, key, body));
    },
    remove: (resource, key, version) => change(version, () => erase.run(resource, key)),
    close: () => database.close(),
  };
}
