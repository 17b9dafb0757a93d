import { Database, type SQLQueryBindings, type Statement } from "bun:sqlite";

/**
 * A connection with the statements prepared on it. `close` ends both: a `Database` closed with a statement left over
 * stays open, locks included, until the garbage collector finds the statement.
 */
export class Connection {
  readonly db: Database;
  readonly #statements: Statement[] = [];

  constructor(path: string, access: "read" | "write") {
    const readonly = access === "read";
    this.db = new Database(path, readonly ? { readonly, strict: true } : { create: true, strict: true });
  }

  /** A statement that lives as long as the connection. */
  prepare<Row, Parameters extends SQLQueryBindings[]>(sql: string): Statement<Row, Parameters> {
    const statement = this.db.prepare(sql);
    this.#statements.push(statement);
    // The library types every statement alike; what the columns are, only the SQL says.
    return statement as unknown as Statement<Row, Parameters>;
  }

  /** Runs statements that are needed once. */
  run(sql: string): void {
    this.db.run(sql);
  }

  close(): void {
    for (const statement of this.#statements.splice(0)) statement.finalize();
    this.db.close();
  }
}
