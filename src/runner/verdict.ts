// From how a group ended to a step's outcome. The only place where a status becomes `passed`, and it does so only
// where the shell or the supervisor has said 0.

import type { Outcome } from "../core/outcome.ts";
import type { LimitedEnd } from "./limited-group.ts";
import type { GroupRecord } from "./session.ts";

export interface StepVerdict {
  outcome: Outcome;
  /** Of the user's command. */
  exitCode: number | null;
  /** Why it did not pass, in one line; empty where it passed. */
  message: string;
  /** What the original said in this case, where that differs. */
  legacyMessage?: string;
  /** The shell is gone: the next group needs a new one. */
  shellGone: boolean;
  /** The box's main process is gone. */
  boxGone: boolean;
  /** The step may have written a message file. */
  mayHaveMessage: boolean;
  /** Something to tell although it passed. */
  remark?: string;
}

const outOfMemory = "out of memory: the kernel killed a process of this step (raise the memory limit)";

/** `code` is the text of a script step, to show the line that failed where the shell knows no command. */
export function verdictOf({ end, stopped }: LimitedEnd, code?: string): StepVerdict {
  const gone = { shellGone: end.kind !== "ended", boxGone: end.kind === "box-ended" };
  if (stopped !== undefined) {
    const { kind, message } = stopped;
    return { ...gone, outcome: kind, exitCode: null, message, mayHaveMessage: false };
  }
  if (end.kind === "ended") return { ...gone, ...statusVerdict(end.record, code) };
  if (end.kind === "shell-ended") return { ...gone, ...shellVerdict(end, code) };
  if (end.end.kind === "lost") {
    const message = `the box was lost: ${end.end.message}`;
    return { ...gone, outcome: "broken", exitCode: null, message, mayHaveMessage: false };
  }
  const { exitCode } = end.end;
  if (end.end.outOfMemory) {
    return { ...gone, outcome: "failed", exitCode, message: outOfMemory, mayHaveMessage: true };
  }
  // Nobody saw the step end. Whoever ended the box, it was not the step's command that said yes.
  const message = `the box ended by itself (exit code ${exitCode}) before the step did`;
  return { ...gone, outcome: "broken", exitCode: null, message, mayHaveMessage: true };
}

type Inner = Omit<StepVerdict, "shellGone" | "boxGone">;

function statusVerdict(record: GroupRecord, code: string | undefined): Inner {
  const { status, phase, hasMessage } = record;
  if (status === 0) return { outcome: "passed", exitCode: 0, message: "", mayHaveMessage: hasMessage };
  const legacyMessage = phase === "init" ? "Ack!" : `Command exited with exit code: ${status}`;
  const failed = { outcome: "failed" as const, exitCode: status, mayHaveMessage: hasMessage, legacyMessage };
  if (phase === "missing") {
    const message = "the step's files are gone: an earlier step has removed them from the box";
    return { ...failed, message };
  }
  if (phase === "cwd") {
    return { ...failed, message: "the step's working directory does not exist (see `cwd` and `source-dir`)" };
  }
  const where = phase === "init" ? " in init.sh" : "";
  return { ...failed, message: `exit code ${status}${where}${commandOf(record, code)}` };
}

function shellVerdict(
  end: { status: number; memoryKills: number; record?: GroupRecord },
  code: string | undefined,
): Inner {
  const { status, record } = end;
  const mayHaveMessage = record?.hasMessage ?? true;
  if (status === 0) {
    const remark =
      "the script ended the shell with `exit 0`: its exports and functions are lost to later steps (use `return 0`)";
    return { outcome: "passed", exitCode: 0, message: "", mayHaveMessage, remark };
  }
  const legacyMessage = "Command cancelled due to error";
  const failed = { outcome: "failed" as const, exitCode: status, mayHaveMessage, legacyMessage };
  if (status === 137 && end.memoryKills > 0) return { ...failed, message: outOfMemory };
  const signal = status > 128 && record === undefined ? ` (killed by signal ${status - 128})` : "";
  const memory = end.memoryKills > 0 ? "; the kernel killed a process for memory meanwhile" : "";
  return { ...failed, message: `exit code ${status}${signal}${commandOf(record, code)}${memory}` };
}

function commandOf(record: GroupRecord | undefined, code: string | undefined): string {
  if (record === undefined) return "";
  // `set -e` was put in front of the code.
  const shift = code === undefined || code.startsWith("#!") ? 0 : 1;
  // `return N` of a sourced script is, to bash, a failure of what sourced it: those words and that line are ours.
  const ours = /^\. '.*\/(init|run)\.sh'/.test(record.command ?? "");
  const line = record.line === undefined || ours ? undefined : record.line - shift;
  const lines = code?.split("\n").map(text => text.trim()) ?? [];
  const text = (!ours && record.command) || (line === undefined ? onlyCommand(lines) : lines[line - 1]);
  const at = line !== undefined && line > 0 && code !== undefined ? ` (line ${line})` : "";
  return text ? `: ${text}${at}` : at;
}

/** What has failed where there is nothing else, for shells that know neither command nor line. */
function onlyCommand(lines: string[]): string | undefined {
  const commands = lines.filter(text => text !== "" && !text.startsWith("#"));
  return commands.length === 1 ? commands[0] : undefined;
}
