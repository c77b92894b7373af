// What a command is in the tables of commands.

import type { Command } from "./context.ts";
import type { Flag } from "./flags.ts";

export interface CommandEntry {
  name: string;
  alias?: string;
  /** As the parser knows them: `[pipeline] [dir]`. */
  args: string;
  summary: string;
  /** Shown below the help: a command line and what it does. */
  examples: [string, string][];
  flags: readonly Flag[];
  /** What completion offers for the first argument. */
  completes?: "pipelines" | "workflows" | "shells" | "files";
  /** What it offers instead, where the first argument says what to do. */
  verbs?: readonly string[];
  /** Listed under the commands for those who come from wercker. */
  dropIn?: true;
  /** Where it stands in the help; among the commands of this machine unless told. */
  group?: "client" | "server";
  /** In no list: programs call it, people do not. */
  hidden?: true;
  /** Takes every argument and flag as it is. */
  passThrough?: true;
  load(): Promise<Command>;
}
