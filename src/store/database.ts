// The way to PostgreSQL: single statements, transactions that are tried again where the database broke them off for the
// sake of another one, and notices. It holds no knowledge of any table.

import { createHash } from "node:crypto";
import pg from "pg";

/** Something that takes statements: the database, or one transaction of it. */
export interface Queryable {
  /** The rows. 64-bit integers come as numbers, times as Date. */
  query<Row = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<Row[]>;
}

export interface Database extends Queryable, AsyncDisposable {
  /**
   * Runs `work` in one transaction (read committed) and commits, or takes all of it back when it throws. `work` must
   * have no effect but through `tx`: it is done again, at most three times, after a deadlock or a serialization failure.
   */
  transact<T>(work: (tx: Queryable) => Promise<T>): Promise<T>;
  /** Calls `heard` with the payload of every notice on the channel from now on. A lost connection is made anew. */
  listen(channel: string, heard: (payload: string) => void): Promise<AsyncDisposable>;
}

export interface DatabaseOptions {
  /** `postgres://...`, or a directory of sockets as `host` in the query. */
  url: string;
  /** Most connections at the same time, but for the one that listens. */
  connections?: number;
}

const triesOfTransaction = 3;
const brokenOff = new Set(["40001", "40P01"]);
const reconnectMs = 1000;

/**
 * Of each connection, whatever the server's own are. Our statements walk along the index that has their order; where random
 * reads count as cheap, the planner would rather read all of a branch's history and sort it by what is left of that order.
 */
const planning = "-c enable_incremental_sort=off";

/** Connects when it is first asked something. */
export function openDatabase({ url, connections = 10 }: DatabaseOptions): Database {
  const pool = new pg.Pool({
    ...{ connectionString: url, max: connections, types: { getTypeParser }, options: planning },
  });
  // A connection that breaks while nobody uses it is nobody's failure; the next statement gets another one.
  pool.on("error", () => undefined);
  const listener = openListener(url);
  return {
    query: (text, values) => rowsOf(pool, text, values),
    transact: work => transact(pool, work),
    listen: (channel, heard) => listener.listen(channel, heard),
    async [Symbol.asyncDispose]() {
      await listener.close();
      await pool.end();
    },
  };
}

const getTypeParser: typeof pg.types.getTypeParser = ((oid: number, format: "text") => {
  return oid === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(oid, format);
}) as typeof pg.types.getTypeParser;

interface Client {
  query(statement: string | { name: string; text: string; values: unknown[] }): Promise<{ rows: unknown[] }>;
}

/**
 * A statement with values, be it none of them (`[]`), is prepared once a connection: its text must be a constant, not put
 * together from data. Where they are left out several statements may stand in one text.
 */
async function rowsOf<Row>(on: Client, text: string, values?: readonly unknown[]): Promise<Row[]> {
  const statement = values === undefined ? text : { name: nameOf(text), text, values: [...values] };
  const { rows } = await on.query(statement);
  return rows as Row[];
}

const awayCodes = new Set([
  ...["ECONNREFUSED", "ECONNRESET", "EPIPE", "ENOENT", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ETIMEDOUT"],
  // Shutting down, crashed, starting, too many connections; https://www.postgresql.org/docs/current/errcodes-appendix.html
  ...["57P01", "57P02", "57P03", "53300"],
]);

/**
 * Whether a statement failed because others were faster: what it refers to has gone, what it makes is there already, or
 * a transaction was broken off for the sake of another one, again and again.
 */
export function isOvertaken(error: unknown): boolean {
  const { code = "" } = error as { code?: string };
  return code === "23503" || code === "23505" || brokenOff.has(code);
}

/** Whether a statement failed because the database is away or takes nobody, and not because of the statement. */
export function isDatabaseAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code = "" } = error as NodeJS.ErrnoException;
  if (awayCodes.has(code) || code.startsWith("08")) return true;
  // pg has no code for its own.
  return /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error)/.test(
    error.message,
  );
}

const names = new Map<string, string>();

/** The same name for the same text, short enough for the protocol. */
function nameOf(text: string): string {
  let name = names.get(text);
  if (name === undefined) {
    name = `slipway_${createHash("sha256").update(text).digest("hex").slice(0, 24)}`;
    names.set(text, name);
  }
  return name;
}

async function transact<T>(pool: pg.Pool, work: (tx: Queryable) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await transactOnce(pool, work);
    } catch (error) {
      if (attempt >= triesOfTransaction || !brokenOff.has((error as { code?: string }).code ?? ""))
        throw error;
    }
  }
}

async function transactOnce<T>(pool: pg.Pool, work: (tx: Queryable) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let lost: Error | undefined;
  const onError = (error: Error) => {
    lost = error;
  };
  client.on("error", onError);
  try {
    await client.query("begin");
    const result = await work({ query: (text, values) => rowsOf(client, text, values) });
    await client.query("commit");
    return result;
  } catch (error) {
    await client.query("rollback").catch((failure: Error) => {
      lost ??= failure;
    });
    throw error;
  } finally {
    client.off("error", onError);
    client.release(lost);
  }
}

interface Listener {
  listen(channel: string, heard: (payload: string) => void): Promise<AsyncDisposable>;
  close(): Promise<void>;
}

function openListener(url: string): Listener {
  const heard = new Map<string, Set<(payload: string) => void>>();
  let client: Promise<pg.Client> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  const connect = async (): Promise<pg.Client> => {
    const fresh = new pg.Client({ connectionString: url });
    fresh.on("notification", ({ channel, payload }) => {
      for (const listener of heard.get(channel) ?? []) listener(payload ?? "");
    });
    fresh.on("error", () => undefined);
    fresh.on("end", again);
    await fresh.connect();
    for (const channel of heard.keys()) await fresh.query(`listen ${pg.escapeIdentifier(channel)}`);
    return fresh;
  };
  // Until it is back, whoever listens lives by looking now and then.
  const again = () => {
    client = undefined;
    if (closed || timer !== undefined) return;
    timer = setTimeout(() => {
      timer = undefined;
      client = connect();
      client.catch(again);
    }, reconnectMs);
    timer.unref();
  };
  const connected = (): Promise<pg.Client> => {
    client ??= connect();
    client.catch(again);
    return client;
  };

  return {
    async listen(channel, listener) {
      const listeners = heard.get(channel) ?? new Set();
      heard.set(channel, listeners.add(listener));
      await (await connected()).query(`listen ${pg.escapeIdentifier(channel)}`);
      return {
        async [Symbol.asyncDispose]() {
          listeners.delete(listener);
        },
      };
    },
    async close() {
      closed = true;
      clearTimeout(timer);
      await (await client?.catch(() => undefined))?.end();
    },
  };
}
