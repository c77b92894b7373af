// internal/watch: runs code in the session shell and, with `reload`, again whenever a file of the project changes. A
// person's interrupt ends it, and the step passes.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Cancel } from "../../core/cancel.ts";
import { accept, type Result, refuse } from "../../core/failure.ts";
import { parseIgnoreFile } from "../../lib/ignore-file.ts";
import { parsePort } from "../../plan/ports.ts";
import { passed, refused } from "./answers.ts";
import type { InternalAnswer, InternalContext, InternalStep } from "./internal-step.ts";
import { type DirectoryWatch, watchDirectory } from "./watch-directory.ts";

// The shell does not survive a reload; what it had exported comes back from what was synchronised before.
export const watch: InternalStep = { sync: true, run: start };

const quietMs = 2000;

async function start(context: InternalContext): Promise<InternalAnswer> {
  const reload = reloadOption(context);
  if (!reload.ok) return refused(context, reload.refusal);
  const interrupt = context.settings.takeInterrupt?.();
  try {
    const signal =
      interrupt === undefined ? context.signal : AbortSignal.any([context.signal, interrupt.signal]);
    const { watchDirectory: directory } = context.settings;
    if (!reload.value || directory === undefined) return await runOnce(context, signal);
    using changes = watchDirectory(directory, { quietMs, ignore: ignoreRules(directory) });
    tellPorts(context);
    return await runAndReload(context, changes, signal);
  } finally {
    interrupt?.[Symbol.dispose]();
  }
}

/** The code's own status counts; being interrupted is no failure. */
async function runOnce(context: InternalContext, signal: AbortSignal): Promise<InternalAnswer> {
  const answer = await context.sessionGroup(linesOf(context), signal);
  context.signal.throwIfAborted();
  return signal.aborted ? { ...answer, ...passed } : answer;
}

/** Exported for its test. */
export async function runAndReload(
  context: InternalContext,
  changes: Pick<DirectoryWatch, "next">,
  signal: AbortSignal,
): Promise<InternalAnswer> {
  // Code that has ended is still there to be reloaded, and what it left in the background with it.
  const lines = [...linesOf(context), "while :; do sleep 3600; done"];
  for (;;) {
    const round = new AbortController();
    const running = context.sessionGroup(lines, AbortSignal.any([signal, round.signal]));
    const lost = running.then(answer => (answer.boxGone ? undefined : new Promise<never>(() => {})));
    const next = await Promise.race([changes.next().then(() => "change" as const), aborted(signal), lost]);
    if (next !== "change") {
      const answer = await running;
      context.signal.throwIfAborted();
      return signal.aborted ? { ...answer, ...passed } : answer;
    }
    context.progress("--> Reloading on file changes\n");
    round.abort(new Cancel("canceled", "a file has changed"));
    const answer = await running;
    if (answer.boxGone) return answer;
    context.progress("--> Reloading\n");
  }
}

function aborted(signal: AbortSignal): Promise<"aborted"> {
  if (signal.aborted) return Promise.resolve("aborted");
  return new Promise(resolve => signal.addEventListener("abort", () => resolve("aborted"), { once: true }));
}

function linesOf(context: InternalContext): string[] {
  return ["set +e", 'cd "$WERCKER_SOURCE_DIR"', context.options.get("code") || ":"];
}

function reloadOption(context: InternalContext): Result<boolean> {
  const text = context.options.get("reload") ?? "";
  if (/^(1|t|T|true|True|TRUE)$/.test(text)) return accept(true);
  if (/^(|0|f|F|false|False|FALSE)$/.test(text)) return accept(false);
  const message = `${text} is an invalid value for reload, error while validating: it is neither true nor false`;
  return refuse("bad-option", message, "write true or false");
}

/** What the project does not keep in its history is not worth a reload. */
function ignoreRules(directory: string): (path: string, isDirectory: boolean) => boolean {
  let text = "";
  try {
    text = readFileSync(join(directory, ".gitignore"), "utf8").slice(0, 256 * 1024);
  } catch {
    // There is none.
  }
  const rules = parseIgnoreFile(text);
  return (path, isDirectory) => (isDirectory && path === "node_modules") || rules(path, isDirectory);
}

function tellPorts(context: InternalContext): void {
  if (!context.settings.exposePorts) return;
  for (const text of context.job.box.ports) {
    const port = parsePort(context.expand(text));
    if (!port.ok) continue;
    const { hostIp = "localhost", hostPort, containerPort } = port.value;
    context.progress(`--> Forwarding ${hostIp}:${hostPort} to ${containerPort} on the container.\n`);
  }
}
