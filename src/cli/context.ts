// What a command is handed of the process it runs in. Commands touch the process through nothing else.

import type { Output } from "./print/output.ts";

export interface ProgramInput {
  /** The name it was called by. */
  name: "slipway" | "wercker";
  version: string;
  args: string[];
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
  stdin: NodeJS.ReadStream;
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
}

export interface CommandContext extends Omit<ProgramInput, "args"> {
  out: Output;
  err: Output;
}

/** Values of flags by `flagKey`; absent where neither given nor on by default. */
export type FlagValues = Readonly<Record<string, string | boolean | string[] | undefined>>;

/** A command. Returns the exit code; a `UsageError` is printed by the caller and leads to 2. */
export type Command = (context: CommandContext, args: string[], values: FlagValues) => Promise<number>;

/** Wrong usage: the person has to type something else. */
export class UsageError extends Error {
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.name = "UsageError";
    this.hint = hint;
  }
}
