// Where each step of a log begins, and which parts of a log are a step's.

import type { Queryable } from "../../../store/database.ts";

export interface StepBegin {
  step: string;
  firstLine: number;
  byte: number;
  /** ISO 8601. */
  time: string;
}

interface Row {
  step: string;
  line: number;
  byte: number;
  time: Date;
}

/** The first place of each step, in the order of the log. */
export async function logSteps(db: Queryable, attemptId: string): Promise<StepBegin[]> {
  const rows = await db.query<Row>(
    `select * from (
       select distinct on (step) step, line, byte, time from log_index where attempt_id = $1 and begins order by step, byte
     ) first order by byte`,
    [attemptId],
  );
  return rows.map(({ step, line, byte, time }) => ({
    step,
    firstLine: line,
    byte,
    time: time.toISOString(),
  }));
}

export interface ByteRange {
  from: number;
  to: number;
}

/** The parts of the first `to` bytes that are a step's; empty where it said nothing. */
export async function stepRanges(
  db: Queryable,
  attemptId: string,
  step: string,
  to: number,
): Promise<ByteRange[]> {
  const rows = await db.query<{ byte: number; until: number | null }>(
    `select byte, (
       select min(next.byte) from log_index next where next.attempt_id = $1 and next.begins and next.byte > here.byte
     ) as until
     from log_index here where attempt_id = $1 and begins and step = $2 order by byte`,
    [attemptId, step],
  );
  return rows
    .map(({ byte, until }) => ({ from: byte, to: Math.min(until ?? to, to) }))
    .filter(({ from, to }) => from < to);
}
