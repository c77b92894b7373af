// Every command as data: its arguments, flags and examples, and where its code lies. The code is imported only when
// the command is called.

import type { Command } from "./context.ts";
import { type Flag, runFlags, workflowFlags } from "./flags.ts";
import { serverFlags } from "./server-flags.ts";

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
  /** Listed under the commands for those who come from wercker. */
  dropIn?: true;
  /** In no list: programs call it, people do not. */
  hidden?: true;
  /** Takes every argument and flag as it is. */
  passThrough?: true;
  load(): Promise<Command>;
}

const json: Flag = { name: "json", help: "one JSON object on stdout, for programs" };

export const commands: readonly CommandEntry[] = [
  {
    name: "run",
    args: "[pipeline] [dir]",
    summary: "run a pipeline of the file in DIR",
    examples: [
      ["slipway run", "the pipeline `build` of the file in this directory"],
      ["slipway run test ../shop", "the pipeline `test` of another project"],
      ["slipway run --engine host", "without containers, on this machine itself"],
      ["slipway run --json | jq .type", "every event as a line of JSON"],
    ],
    flags: runFlags,
    completes: "pipelines",
    load: async () => (await import("./commands/run.ts")).run,
  },
  {
    name: "workflow",
    alias: "w",
    args: "<name> [dir]",
    summary: "run a workflow: its pipelines in order, independent ones side by side",
    examples: [["slipway workflow release --approve all", "without asking for approvals"]],
    flags: [...runFlags, ...workflowFlags],
    completes: "workflows",
    load: async () => (await import("./commands/workflow.ts")).workflow,
  },
  {
    name: "check",
    args: "[file]",
    summary: "tell every problem of a pipeline file",
    examples: [["slipway check wercker.yml", "with line, column and what to change"]],
    flags: [json],
    completes: "files",
    load: async () => (await import("./commands/check.ts")).check,
  },
  {
    name: "schema",
    args: "",
    summary: "print the JSON Schema of pipeline files",
    examples: [["slipway schema > slipway.schema.json", "for an editor"]],
    flags: [],
    load: async () => (await import("./commands/schema.ts")).schema,
  },
  {
    name: "init",
    args: "[dir]",
    summary: "write a first slipway.yml for what lies in DIR",
    examples: [["slipway init", "never overwrites a file without --force"]],
    flags: [{ name: "force", help: "overwrite the file that is there" }],
    completes: "files",
    load: async () => (await import("./commands/init.ts")).init,
  },
  {
    name: "doctor",
    args: "",
    summary: "tell what this machine has, and what to do about what it lacks",
    examples: [["slipway doctor --json", "for programs"]],
    flags: [json, ...runFlags.filter(flag => flag.name === "docker-host" || flag.name === "working-dir")],
    load: async () => (await import("./commands/doctor.ts")).doctor,
  },
  {
    name: "sweep",
    args: "",
    summary: "remove what killed runs have left behind",
    examples: [["slipway sweep", "containers, networks, volumes, processes and directories"]],
    flags: [
      { name: "kept", help: "containers that --no-remove kept, too" },
      ...runFlags.filter(flag => flag.name === "docker-host"),
    ],
    load: async () => (await import("./commands/sweep.ts")).sweep,
  },
  {
    name: "completion",
    args: "<shell>",
    summary: "print a completion script for bash, zsh or fish",
    examples: [['eval "$(slipway completion bash)"', "in ~/.bashrc"]],
    flags: [],
    completes: "shells",
    load: async () => (await import("./commands/completion.ts")).completion,
  },
  ...(["build", "deploy", "dev"] as const).map(
    (name): CommandEntry => ({
      name,
      ...(name === "dev" ? {} : { alias: name[0]! }),
      args: "[target]",
      summary: `run the pipeline \`${name}\`; TARGET is a directory or the URL of a tarball`,
      examples: [[`slipway ${name} --artifacts`, "keeps the output of the pipeline"]],
      flags: runFlags,
      dropIn: true,
      completes: "files",
      load: async () => (await import("./commands/drop-in.ts")).dropIn(name),
    }),
  ),
  {
    name: "check-config",
    args: "[target]",
    summary: "list the pipelines of the file, or its first error",
    examples: [],
    flags: runFlags,
    dropIn: true,
    load: async () => (await import("./commands/check-config.ts")).checkConfig,
  },
  {
    name: "detect",
    alias: "de",
    args: "[dir]",
    summary: "the same as init",
    examples: [],
    flags: [{ name: "force", help: "overwrite the file that is there" }],
    dropIn: true,
    load: async () => (await import("./commands/init.ts")).init,
  },
  {
    name: "version",
    alias: "v",
    args: "",
    summary: "print the version",
    examples: [],
    flags: [
      json,
      { name: "beta", hidden: true, help: "" },
      { name: "no-update-check", hidden: true, help: "" },
    ],
    dropIn: true,
    load: async () => (await import("./commands/version.ts")).version,
  },
  {
    name: "server",
    args: "",
    summary: "run the platform, or some roles of it",
    examples: [
      ["slipway server", "all roles, with a database of its own"],
      ["slipway server --roles worker --api-url https://ci.example.org", "a worker on another machine"],
      ["slipway server --print-config", "what is in effect, and where it came from"],
    ],
    flags: serverFlags,
    load: async () => (await import("./commands/server.ts")).server,
  },
  {
    name: "runner",
    args: "[args...]",
    summary: "drive one job of a platform; workers call it",
    examples: [],
    flags: [],
    hidden: true,
    passThrough: true,
    load: async () => (await import("./commands/runner.ts")).runner,
  },
  ...(["login", "logout", "pull", "docker", "step", "doc"] as const).map(
    (name): CommandEntry => ({
      name,
      args: "[args...]",
      summary: "not part of Slipway; tells what to use instead",
      examples: [],
      flags: [],
      dropIn: true,
      passThrough: true,
      load: async () => (await import("./commands/not-here.ts")).notHere(name),
    }),
  ),
];
