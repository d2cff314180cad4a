/**
 * The records in one SQLite file. Opened when it is first needed and again after a failure, so that a full disk ends no
 * start and room on it is all that it takes to go on (F17).
 */
import { chmodSync, closeSync, openSync, renameSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { fail, ok, type Failure, type Result } from '#model/failure.ts';
import { keyText } from '#model/object.ts';
import type { Clock, Log, Records } from '#model/ports.ts';
import type { DeploymentRecord, DriftRecord, RecordMark, RecordPage, RecordQuery } from '#model/record.ts';

const schemaVersion = 1;
export const retentionDays = 400;
/** Some 150 MB. */
export const rowsMax = 250_000;
export const pageSize = 500;
const dayMs = 86_400_000;
/** How often what is too old is looked for: with every so many writes. */
const writesPerSweep = 1000;

export interface RecordStoreParts {
  readonly file: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Of SQLite's pages; for tests of what a full disk does. */
  readonly pagesMax?: number;
  readonly rowsMax?: number;
  /** Nothing is written, nor the file made; for the command line beside a server. */
  readonly readOnly?: boolean;
}

export class RecordStore implements Records {
  readonly #parts: RecordStoreParts;
  #database: DatabaseSync | undefined;
  #writes = 0;

  constructor(parts: RecordStoreParts) {
    this.#parts = parts;
  }

  standing(): ReturnType<Records['standing']> {
    return this.#try((database) => ({
      marks: prepared(
        database,
        'SELECT unit, since_ms AS sinceMs, entry, pending FROM marks',
      ).all() as unknown as readonly RecordMark[],
      open: bodies<DriftRecord>(prepared(database, 'SELECT body FROM drift WHERE open = 1').all()),
    }));
  }

  write(changes: Parameters<Records['write']>[0]): Promise<Result<undefined>> {
    return this.#try((database) => {
      database.exec('BEGIN IMMEDIATE');
      try {
        // Written each time: that it can be is what a write without changes is to show.
        prepared(database, 'UPDATE began SET last_ms = ?').run(this.#parts.clock.now());
        if (changes.mark !== undefined) putMark(database, changes.mark);
        for (const record of changes.deployments) putDeployment(database, record);
        for (const record of changes.drift) putDrift(database, record);
        if (changes.forget !== undefined)
          prepared(database, 'DELETE FROM marks WHERE unit = ?').run(changes.forget);
        if (this.#writes % writesPerSweep === 0) this.#sweep(database);
        database.exec('COMMIT');
      } catch (error) {
        // A full disk may have ended the transaction by itself.
        if (database.isTransaction) database.exec('ROLLBACK');
        throw error;
      }
      this.#writes += 1;
      return undefined;
    });
  }

  deployments(query: RecordQuery): Promise<Result<RecordPage<DeploymentRecord>>> {
    return this.#try((database) =>
      page<DeploymentRecord>(database, 'deployments', 'at_ms >= $from AND at_ms < $until', query),
    );
  }

  drift(query: RecordQuery): Promise<Result<RecordPage<DriftRecord>>> {
    const when = 'at_ms < $until AND (at_ms >= $from OR open = 1)';
    return this.#try((database) => page<DriftRecord>(database, 'drift', when, query));
  }

  /** Entries of a Unit's history may be older than the file. */
  beganAtMs(): Promise<Result<number>> {
    return this.#try((database) => {
      const row = prepared(
        database,
        'SELECT min(began.at_ms, ifnull((SELECT min(at_ms) FROM deployments), began.at_ms), ifnull((SELECT min(at_ms) FROM drift), began.at_ms)) AS ms FROM began',
      ).get() as { readonly ms: number };
      return row.ms;
    });
  }

  close(): void {
    this.#database?.close();
    this.#database = undefined;
  }

  #sweep(database: DatabaseSync): void {
    const beforeMs = this.#parts.clock.now() - retentionDays * dayMs;
    const max = this.#parts.rowsMax ?? rowsMax;
    for (const table of ['deployments', 'drift']) {
      prepared(database, `DELETE FROM ${table} WHERE at_ms < ?`).run(beforeMs);
      const { changes } = prepared(
        database,
        `DELETE FROM ${table} WHERE id IN (SELECT id FROM ${table} ORDER BY at_ms DESC, id DESC LIMIT -1 OFFSET ?)`,
      ).run(max);
      if (changes > 0)
        this.#parts.log.warn(
          { table, rows: Number(changes) },
          `the records hold at most ${max} ${table}: the oldest were dropped`,
        );
    }
  }

  #try<T>(work: (database: DatabaseSync) => T): Promise<Result<T>> {
    try {
      this.#database ??= this.#open();
      return Promise.resolve(ok(work(this.#database)));
    } catch (error) {
      // A file that was full or unreachable is opened anew: what was wrong with it may be so no more.
      if (isIoError(error)) this.close();
      return Promise.resolve(fail(this.#failure(error)));
    }
  }

  #failure(error: unknown): Failure {
    const { file, readOnly } = this.#parts;
    const why = error instanceof Error ? error.message : String(error);
    return {
      kind: 'transient',
      code: 'RecordsUnwritable',
      stage: 'record',
      message: `the records in ${file} cannot be ${readOnly === true ? 'read' : 'written'}: ${why}`,
      hint: 'make room on the volume, or make it writable; no new sync starts until then, and it goes on by itself',
    };
  }

  #open(): DatabaseSync {
    const { file, log, readOnly } = this.#parts;
    if (readOnly === true) return new DatabaseSync(file, { readOnly });
    try {
      return this.#openFile();
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      const aside = `${file}.unreadable`;
      log.error({ file, aside, cause: String(error) }, 'the records cannot be read: they begin anew');
      for (const suffix of ['', '-wal', '-shm']) {
        try {
          renameSync(`${file}${suffix}`, `${aside}${suffix}`);
        } catch {
          // There is none.
        }
      }
      return this.#openFile();
    }
  }

  #openFile(): DatabaseSync {
    const { file, clock, pagesMax } = this.#parts;
    closeSync(openSync(file, 'a', 0o600));
    chmodSync(file, 0o600);
    const database = new DatabaseSync(file);
    try {
      const { user_version: version } = database.prepare('PRAGMA user_version').get() as {
        readonly user_version: number;
      };
      if (version > schemaVersion) throw new LaterVersion(version);
      if (pagesMax !== undefined) database.exec(`PRAGMA max_page_count = ${pagesMax}`);
      // A crash of the machine may lose the last changes here; the Units' histories have them.
      database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;${schema}`);
      database
        .prepare('INSERT INTO began (at_ms, last_ms) SELECT ?, 0 WHERE NOT EXISTS (SELECT 1 FROM began)')
        .run(clock.now());
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  }
}

const schema = `
  BEGIN;
  CREATE TABLE IF NOT EXISTS began (at_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS marks (
    unit TEXT PRIMARY KEY, since_ms INTEGER NOT NULL, entry INTEGER NOT NULL, pending INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS deployments (
    id INTEGER PRIMARY KEY, identity TEXT NOT NULL UNIQUE, at_ms INTEGER NOT NULL,
    kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL
  );
  CREATE INDEX IF NOT EXISTS deployments_when ON deployments (at_ms, id);
  CREATE TABLE IF NOT EXISTS drift (
    id INTEGER PRIMARY KEY, identity TEXT NOT NULL UNIQUE, at_ms INTEGER NOT NULL, open INTEGER NOT NULL,
    kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL
  );
  CREATE INDEX IF NOT EXISTS drift_when ON drift (at_ms, id);
  CREATE INDEX IF NOT EXISTS drift_open ON drift (at_ms) WHERE open = 1;
  PRAGMA user_version = ${schemaVersion};
  COMMIT;`;

class LaterVersion extends Error {
  constructor(version: number) {
    super(`it is of version ${version}, which a later Trueup wrote`);
  }
}

/** As SQLite names them: IOERR 10, FULL 13, CANTOPEN 14, READONLY 8; extended codes carry more above the low byte. */
const errorCode = (error: unknown): number => Number((error as { errcode?: unknown }).errcode ?? 0) & 0xff;
const isIoError = (error: unknown): boolean => [8, 10, 14].includes(errorCode(error));
/** CORRUPT, NOTADB. */
const isUnreadable = (error: unknown): boolean =>
  error instanceof LaterVersion || [11, 26].includes(errorCode(error));

const statements = new WeakMap<DatabaseSync, Map<string, StatementSync>>();

/** Each text is prepared once. */
function prepared(database: DatabaseSync, text: string): StatementSync {
  const known = statements.get(database) ?? new Map<string, StatementSync>();
  statements.set(database, known);
  const statement = known.get(text) ?? database.prepare(text);
  known.set(text, statement);
  return statement;
}

function putMark(database: DatabaseSync, { unit, sinceMs, entry, pending }: RecordMark): void {
  prepared(
    database,
    'INSERT INTO marks VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET since_ms = excluded.since_ms, entry = excluded.entry, pending = excluded.pending',
  ).run(unit, sinceMs, entry, pending);
}

function putDeployment(database: DatabaseSync, record: DeploymentRecord): void {
  const { unit, sinceMs, entry, atMs, owner } = record;
  prepared(
    database,
    'INSERT INTO deployments (identity, at_ms, kind, namespace, name, body) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body',
  ).run(`${unit} ${sinceMs} ${entry}`, atMs, owner.kind, owner.namespace, owner.name, JSON.stringify(record));
}

function putDrift(database: DatabaseSync, record: DriftRecord): void {
  const { unit, object, seenAtMs, owner, ended } = record;
  prepared(
    database,
    'INSERT INTO drift (identity, at_ms, open, kind, namespace, name, body) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET open = excluded.open, body = excluded.body',
  ).run(
    `${unit} ${keyText(object)} ${seenAtMs}`,
    seenAtMs,
    ended === undefined ? 1 : 0,
    owner.kind,
    owner.namespace,
    owner.name,
    JSON.stringify(record),
  );
}

function page<T>(database: DatabaseSync, table: string, when: string, query: RecordQuery): RecordPage<T> {
  const [afterMs = '-1', afterId = '0'] = query.next?.split('.') ?? [];
  const values: Record<string, SQLInputValue> = {
    $from: query.fromMs,
    $until: query.untilMs,
    $afterMs: Number(afterMs),
    $afterId: Number(afterId),
  };
  const filters = (['kind', 'namespace', 'name'] as const).flatMap((column) => {
    const value = query[column];
    if (value === undefined) return [];
    values[`$${column}`] = value;
    return [` AND ${column} = $${column}${column === 'kind' ? ' COLLATE NOCASE' : ''}`];
  });
  const rows = prepared(
    database,
    `SELECT at_ms, id, body FROM ${table} WHERE ${when} AND (at_ms, id) > ($afterMs, $afterId)${filters.join('')} ORDER BY at_ms, id LIMIT ${pageSize}`,
  ).all(values) as unknown as readonly {
    readonly at_ms: number;
    readonly id: number;
    readonly body: string;
  }[];
  const last = rows.at(-1);
  const isFull = rows.length === pageSize && last !== undefined;
  return { items: bodies<T>(rows), ...(isFull ? { next: `${last.at_ms}.${last.id}` } : {}) };
}

const bodies = <T>(rows: readonly object[]): readonly T[] =>
  rows.map((row) => JSON.parse((row as { readonly body: string }).body) as T);
