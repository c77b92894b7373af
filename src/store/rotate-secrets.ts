// Seals everything that is sealed under the newest key of the ring, batch by batch, beside servers that run. Nothing opened
// here goes anywhere but back into its own row.

import { messageOf, SlipwayError } from "../core/failure.ts";
import type { Database } from "./database.ts";
import type { SecretBox } from "./secret-box.ts";

interface SealedColumn {
  table: string;
  column: string;
  /** The primary key, a number or a text. */
  id: "bigint" | "text";
  /** A column beside it that names the key. */
  keyColumn?: string;
}

/** Every column that is sealed, but for the answers in `idempotency_keys`. */
export const sealedColumns: readonly SealedColumn[] = [
  { table: "variables", column: "value", id: "bigint", keyColumn: "key_id" },
  { table: "projects", column: "webhook_secret", id: "bigint" },
  { table: "projects", column: "credential", id: "bigint" },
  { table: "schedules", column: "variables", id: "bigint" },
  { table: "runs", column: "trigger_variables", id: "text" },
  { table: "jobs", column: "literal_secrets", id: "text" },
];

const batchRows = 2000;

/** Walks along the primary key, so that no statement takes long; rows that need nothing bring no bytes along. */
const readStatement = ({ table, column, id }: SealedColumn) => `
  select id::text as id,
    case when substring(sealed from 2 for 4) is distinct from decode($2, 'hex') then sealed end as sealed
  from (select id, ${column} as sealed from ${table} where id > $1::${id} order by id limit ${batchRows}) batch
  order by batch.id`;

/** A row that somebody has changed meanwhile stays as it is. */
const writeStatement = ({ table, column, id, keyColumn }: SealedColumn) => `
  update ${table} set ${column} = fresh.sealed${keyColumn === undefined ? "" : `, ${keyColumn} = $4`}
  from unnest($1::${id}[], $2::bytea[], $3::bytea[]) as fresh (id, old, sealed)
  where ${table}.id = fresh.id and ${table}.${column} = fresh.old
  returning 1`;

const answersStatement = `
  select principal, key, body #>> '{}' as body from idempotency_keys
  where (principal, key) > ($1, $2) and jsonb_typeof(body) = 'string' order by principal, key limit 500`;
const answerStatement = `update idempotency_keys set body = to_jsonb($4::text)
  where principal = $1 and key = $2 and body #>> '{}' = $3 returning 1`;

interface Rotation {
  db: Database;
  box: SecretBox;
  signal: AbortSignal;
  counts: Record<string, number>;
  /** What could not be opened. */
  left: { place: string; error: unknown }[];
}

/**
 * Seals what an older key has sealed with the newest one; answers how many values of each table that were. May be cut off
 * and repeated. What cannot be opened stays as it is: when the rest is done, SlipwayError `secrets-left` names it.
 */
export async function rotateSecrets(
  db: Database,
  box: SecretBox,
  signal: AbortSignal,
): Promise<Record<string, number>> {
  const counts = Object.fromEntries([
    ...sealedColumns.map(({ table }) => [table, 0]),
    ["idempotency_keys", 0],
  ]) as Record<string, number>;
  const rotation: Rotation = { db, box, signal, counts, left: [] };
  for (const column of sealedColumns) await rotateColumn(rotation, column);
  await rotateAnswers(rotation);
  const [first] = rotation.left;
  if (first === undefined) return counts;
  const message = `${rotation.left.length} sealed values cannot be opened, the first is ${first.place}: ${messageOf(first.error)}`;
  const hint =
    "keep all keys that ever sealed in SLIPWAY_SECRET_KEY, the newest first, and repeat; set a damaged value anew";
  throw new SlipwayError("secrets-left", message, { cause: first.error, hint });
}

async function rotateColumn(rotation: Rotation, column: SealedColumn): Promise<void> {
  const { db, box, signal, counts } = rotation;
  const [read, write] = [readStatement(column), writeStatement(column)];
  let after = column.id === "bigint" ? "0" : "";
  for (;;) {
    signal.throwIfAborted();
    const rows = await db.query<{ id: string; sealed: Buffer | null }>(read, [after, box.keyId]);
    const changed = rows.flatMap(({ id, sealed: old }) => {
      if (old === null) return [];
      const sealed = sealAgain(rotation, old, `${column.column} of ${column.table} ${id}`);
      return sealed === undefined ? [] : [{ id, old, sealed }];
    });
    if (changed.length > 0) {
      const values = [
        changed.map(({ id }) => id),
        changed.map(({ old }) => old),
        changed.map(({ sealed }) => sealed),
        ...(column.keyColumn === undefined ? [] : [box.keyId]),
      ];
      const written = await db.transact(tx => tx.query(write, values));
      counts[column.table]! += written.length;
    }
    if (rows.length < batchRows) return;
    after = rows.at(-1)!.id;
  }
}

/** Answers are kept for a day as a text of base64 in JSON. */
async function rotateAnswers(rotation: Rotation): Promise<void> {
  const { db, box, signal, counts } = rotation;
  let after = ["", ""];
  for (;;) {
    signal.throwIfAborted();
    const rows = await db.query<{ principal: string; key: string; body: string }>(answersStatement, after);
    for (const { principal, key, body } of rows) {
      const old = Buffer.from(body, "base64");
      if (box.keyIdOf(old) === box.keyId) continue;
      const sealed = sealAgain(rotation, old, `an answer for ${principal}`);
      if (sealed === undefined) continue;
      const fresh = sealed.toString("base64");
      const written = await db.query(answerStatement, [principal, key, body, fresh]);
      counts.idempotency_keys! += written.length;
    }
    const last = rows.at(-1);
    if (last === undefined) return;
    after = [last.principal, last.key];
  }
}

function sealAgain({ box, left }: Rotation, old: Uint8Array, place: string): Buffer | undefined {
  try {
    return Buffer.from(box.seal(box.open(old)));
  } catch (error) {
    left.push({ place, error });
    return undefined;
  }
}
