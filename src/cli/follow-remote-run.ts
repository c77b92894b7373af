// Follows a run of a server on the terminal, with the printers of runs that go on here. Ctrl-C cancels the run, a second
// one leaves it to itself.

import { type FollowOptions, followRun } from "../app/remote/follow-run.ts";
import { messageOf } from "../core/failure.ts";
import { exitCodeOf } from "../core/outcome.ts";
import { plainText } from "../lib/plain-text.ts";
import type { CommandContext, FlagValues } from "./context.ts";
import { choosePrinter } from "./print/choose-printer.ts";
import type { ServerAccess } from "./server-access.ts";

export interface RunToFollow {
  id: string;
  number: number;
  organisation: string;
  project: string;
}

export interface RemoteFollow extends FollowOptions {
  /** The person has started it, and Ctrl-C stops it. */
  ownRun?: boolean;
}

/** The exit code is that of the run's outcome; of a run that was left alone 130. */
export async function followRemoteRun(
  context: CommandContext,
  values: FlagValues,
  { client, url, onAnswer }: ServerAccess,
  run: RunToFollow,
  options: RemoteFollow = {},
): Promise<number> {
  const name = `${run.organisation}/${run.project}#${run.number}`;
  const printer = choosePrinter(context, values, `slipway replay ${name}`);
  const leave = new AbortController();
  let away = false;
  onAnswer.tell = answered => {
    if (answered !== away || leave.signal.aborted) return;
    away = !answered;
    void printer.say(
      away ? "warning" : "info",
      away ? `${url} does not answer; the run goes on, and it is tried again` : `${url} answers again`,
    );
  };
  let interrupted = false;
  const interrupt = () => {
    // Whoever only watches does not stop what others have started.
    if (interrupted || options.ownRun !== true) return leave.abort(new Error("left"));
    interrupted = true;
    void printer.say("warning", `canceling ${name}; once more leaves it to itself`);
    client.cancelRun({ params: { run: run.id }, body: {} }).catch((error: unknown) => {
      // What Ctrl-C could not do once, it may be asked to do again.
      interrupted = false;
      void printer.say("error", `${name} could not be canceled: ${plainText(messageOf(error))}`);
    });
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, interrupt);
  context.out.onGone(() => leave.abort(new Error("the reader is gone")));
  try {
    await printer.say("debug", `${name} on ${url}`);
    const { outcome } = await followRun(client, run.id, printer, leave.signal, options);
    return exitCodeOf(outcome);
  } catch (error) {
    if (!leave.signal.aborted) throw error;
    if (options.ownRun === true && !context.out.gone)
      await printer.say("warning", `left; see \`slipway show ${name}\` for how it ends`);
    return 130;
  } finally {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, interrupt);
    await printer.close();
  }
}
