/**
 * The index: one row a file, in a SQLite file of its own, durable before the checkpoint that relies on it.
 *
 * A step may be repeated after a crash, and a whole walk may be begun anew when its checkpoint is lost. Both must leave the report
 * as if nothing had happened. So a row keeps what the last *reported* pass knew (`known`) beside what this pass found (`digest`),
 * and the report is counted from rows, not from what steps believed. A pass is reported once; a walk is one attempt to make it.
 */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { bytesOf, readable } from './walk.ts';

/** Paths are named in a report up to this number; the count says how many there are. */
const SAMPLE_PATHS = 20;

/** How many files, and which: as text for people, at most twenty. */
export interface Finding {
  readonly count: number;
  readonly paths: readonly string[];
}

/** What a pass found, compared with the pass before; the first pass finds everything new. */
export interface Findings {
  readonly files: number;
  readonly bytes: number;
  readonly new: Finding;
  readonly changed: Finding;
  readonly gone: Finding;
}

/** A pass that is being made. */
export interface Pass {
  /** Counted from 1 for each root. */
  readonly pass: number;
  /** When its walk began, epoch milliseconds; larger than that of any walk before, and so its identity. */
  readonly walk: number;
  /** How many files the pass before held. */
  readonly total?: number;
}

const TABLES = `
  create table if not exists passes (
    pass integer primary key, walk integer not null, root text not null, files integer, report text
  ) strict;
  create table if not exists files (
    path blob primary key, digest blob not null, size integer not null, pass integer not null, known blob, walk integer not null
  ) strict, without rowid;`;

/** An open index. Opened for a step and closed with it, so that a thread that is stopped by force leaves nothing behind. */
export class IndexFile implements Disposable {
  readonly #db: DatabaseSync;

  /** @param path of the SQLite file; it and its folder are made when they do not exist */
  constructor(path: string) {
    mkdirSync(dirname(path), { recursive: true });
    this.#db = new DatabaseSync(path);
    this.#db.exec('pragma journal_mode = truncate; pragma synchronous = full; pragma busy_timeout = 5000;');
    this.#db.exec(TABLES);
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }

  /**
   * Makes all that `work` writes durable together, or none of it.
   *
   * @param work synchronous
   * @returns what it returns
   */
  together<T>(work: () => T): T {
    this.#db.exec('begin immediate');
    try {
      const outcome = work();
      this.#db.exec('commit');
      return outcome;
    } catch (error) {
      this.#db.exec('rollback');
      throw error;
    }
  }

  /**
   * Begins a walk: of a new pass, or of the one that was never reported. An index of another root is emptied first.
   *
   * @param root absolute path
   * @param now epoch milliseconds
   * @returns the pass
   */
  begin(root: string, now: number): Pass {
    const other = this.#db.prepare('select 1 from passes where root <> ? limit 1').get(root);
    if (other !== undefined) this.#db.exec('delete from files; delete from passes');
    const last = this.#db.prepare('select pass, walk, files, report from passes order by pass desc limit 1').get();
    const walk = Math.max(now, Number(last?.['walk'] ?? 0) + 1);
    const pass = last === undefined ? 1 : Number(last['pass']) + (last['report'] === null ? 0 : 1);
    this.#db
      .prepare('insert into passes (pass, walk, root) values (?, ?, ?) on conflict (pass) do update set walk = excluded.walk')
      .run(pass, walk, root);
    const before = this.#db.prepare('select files from passes where pass = ?').get(pass - 1);
    return before === undefined ? { pass, walk } : { pass, walk, total: Number(before['files']) };
  }

  /**
   * Whether a checkpoint speaks of this index as it is.
   *
   * @returns `reported` when the pass was finished but the checkpoint does not know it yet
   */
  standing({ pass, walk }: Pass): 'walking' | 'reported' | 'unknown' {
    const row = this.#db.prepare('select report from passes where pass = ? and walk = ?').get(pass, walk);
    return row === undefined ? 'unknown' : row['report'] === null ? 'walking' : 'reported';
  }

  /** Records what a file holds in this pass. Repeating it changes nothing. */
  record(path: string, digest: Buffer, size: number, { pass, walk }: Pass): void {
    this.#db
      .prepare(
        `insert into files (path, digest, size, pass, known, walk) values (?, ?, ?, ?, null, ?)
         on conflict (path) do update set known = iif(pass = excluded.pass, known, digest),
           digest = excluded.digest, size = excluded.size, pass = excluded.pass, walk = excluded.walk`,
      )
      .run(bytesOf(path), digest, size, pass, walk);
  }

  /** Keeps a file that is there and cannot be read: it is not gone, and its digest stays as it was. */
  keep(path: string, { walk }: Pass): void {
    this.#db.prepare('update files set walk = ? where path = ?').run(walk, bytesOf(path));
  }

  /** Keeps all files below a folder that cannot be listed. `0` is the character after `/`. */
  keepBelow(folder: string, { walk }: Pass): void {
    this.#db
      .prepare('update files set walk = ? where path > ? and path < ?')
      .run(walk, bytesOf(`${folder}/`), bytesOf(`${folder}0`));
  }

  /**
   * Ends a pass: forgets what is gone, and keeps the report. Once reported, a pass stays so.
   *
   * @param pass whose walk has come to its end
   * @param report makes the report of what was found: JSON
   * @returns the report
   */
  finish<T>(pass: Pass, report: (findings: Findings) => T): T {
    const findings = this.#findings(pass);
    const made = report(findings);
    this.#db.prepare('delete from files where walk <> ?').run(pass.walk);
    this.#db
      .prepare('update passes set files = ?, report = ? where pass = ?')
      .run(findings.files, JSON.stringify(made), pass.pass);
    this.#db.prepare('delete from passes where pass < ?').run(pass.pass);
    return made;
  }

  /** The report of a pass that was finished. */
  reportOf({ pass }: Pass): unknown {
    return JSON.parse(String(this.#db.prepare('select report from passes where pass = ?').get(pass)?.['report'] ?? 'null'));
  }

  #findings({ pass, walk }: Pass): Findings {
    const sums = this.#db
      .prepare('select count(*) as files, coalesce(sum(size), 0) as bytes from files where walk = ? and pass = ?')
      .get(walk, pass);
    return {
      files: Number(sums?.['files']),
      bytes: Number(sums?.['bytes']),
      new: this.#finding('walk = :walk and pass = :pass and known is null', pass, walk),
      changed: this.#finding('walk = :walk and pass = :pass and known <> digest', pass, walk),
      // A file that only an unreported walk of this very pass has seen was never reported, so it is not missed.
      gone: this.#finding('walk <> :walk and (pass <> :pass or known is not null)', pass, walk),
    };
  }

  #finding(where: string, pass: number, walk: number): Finding {
    const found = this.#db
      .prepare(`select path, count(*) over () as count from files where ${where} order by path limit ${SAMPLE_PATHS}`)
      .all({ ':pass': pass, ':walk': walk });
    return {
      count: Number(found[0]?.['count'] ?? 0),
      paths: found.map((row) => readable(Buffer.from(row['path'] as Uint8Array).toString('latin1'))),
    };
  }
}
