// Every command as data: its arguments, flags and examples, and where its code lies. The code is imported only when
// the command is called.

import type { Command } from "./context.ts";
import { type Flag, runFlags, workflowFlags } from "./flags.ts";
import * as remote from "./remote-flags.ts";
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
  /** What it offers instead, where the first argument says what to do. */
  verbs?: readonly string[];
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
    flags: [...runFlags, ...remote.remoteFlags],
    completes: "pipelines",
    load: async () => (await import("./commands/run.ts")).run,
  },
  {
    name: "workflow",
    alias: "w",
    args: "<name> [dir]",
    summary: "run a workflow: its pipelines in order, independent ones side by side",
    examples: [["slipway workflow release --approve all", "without asking for approvals"]],
    flags: [...runFlags, ...workflowFlags, ...remote.remoteFlags],
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
    name: "login",
    args: "<url>",
    summary: "sign in to a server",
    examples: [
      ["slipway login https://ci.example.org", "asks for name and password, keeps a token"],
      ["slipway login URL --token-stdin < token", "with a token"],
    ],
    flags: remote.loginFlags,
    load: async () => (await import("./commands/login.ts")).login,
  },
  {
    name: "logout",
    args: "[server]",
    summary: "forget a server, and revoke the token that login made",
    examples: [["slipway logout", "the last one signed in to"]],
    flags: [remote.json],
    load: async () => (await import("./commands/login.ts")).logout,
  },
  {
    name: "servers",
    args: "[verb] [name]",
    summary: "servers that were signed in to; `use NAME` chooses one",
    examples: [["slipway servers use ci.example.org", "from now on"]],
    verbs: ["list", "use"],
    flags: [remote.json],
    load: async () => (await import("./commands/login.ts")).servers,
  },
  {
    name: "runs",
    args: "[project]",
    summary: "runs of a project on a server, newest first",
    examples: [["slipway runs --branch main --outcome failed", "what failed there"]],
    flags: remote.runsFlags,
    load: async () => (await import("./commands/runs.ts")).runs,
  },
  {
    name: "show",
    args: "<run>",
    summary: "a run with its jobs: how they ended, or why they wait",
    examples: [["slipway show latest", "the newest run of this project"]],
    flags: remote.projectOf,
    load: async () => (await import("./commands/runs.ts")).show,
  },
  {
    name: "logs",
    args: "<run>",
    summary: "the log of a job; -f follows all jobs of a run",
    examples: [["slipway logs -f latest", "as it prints"]],
    flags: remote.logsFlags,
    load: async () => (await import("./commands/logs.ts")).logs,
  },
  {
    name: "cancel",
    args: "<run>",
    summary: "cancel a run, or one job of it",
    examples: [["slipway cancel 12 --job test", "one job only"]],
    flags: remote.cancelFlags,
    load: async () => (await import("./commands/runs.ts")).cancel,
  },
  {
    name: "rerun",
    args: "<run>",
    summary: "start the same again",
    examples: [["slipway rerun 12 -f", "and follow it"]],
    flags: remote.rerunFlags,
    load: async () => (await import("./commands/runs.ts")).rerun,
  },
  {
    name: "approve",
    args: "<run> [job]",
    summary: "approve what waits for it, or --refuse",
    examples: [["slipway approve 12 deploy", "one job"]],
    flags: remote.approveFlags,
    load: async () => (await import("./commands/runs.ts")).approve,
  },
  {
    name: "trigger",
    args: "[project]",
    summary: "start a run on a server",
    examples: [["slipway trigger --branch main --var LEVEL=full -f", "and follow it"]],
    flags: remote.triggerFlags,
    load: async () => (await import("./commands/trigger.ts")).trigger,
  },
  {
    name: "artifacts",
    args: "<words...>",
    summary: "what the jobs of a run have kept; `get RUN NAME` fetches it",
    examples: [["slipway artifacts get latest output -o out", "unpacked into ./out"]],
    verbs: ["list", "get"],
    flags: remote.artifactsFlags,
    load: async () => (await import("./commands/artifacts.ts")).artifacts,
  },
  {
    name: "tests",
    args: "<run>",
    summary: "test results of a run, failing first",
    examples: [["slipway tests latest", "of this project"]],
    flags: remote.projectOf,
    load: async () => (await import("./commands/server-lists.ts")).tests,
  },
  {
    name: "replay",
    args: "<run>",
    summary: "run a job of a server on this machine again",
    examples: [["slipway replay 12 --job test --step unit", "up to that step, then a shell"]],
    flags: remote.replayFlags,
    load: async () => (await import("./commands/replay.ts")).replay,
  },
  {
    name: "projects",
    args: "[verb] [project]",
    summary: "projects: list, show, create, set, delete, new-secret (of the webhook)",
    examples: [
      [
        "slipway projects create main/shop --repository https://git.example.org/shop.git",
        "with a repository",
      ],
    ],
    verbs: ["list", "show", "create", "set", "delete", "new-secret"],
    flags: remote.projectsFlags,
    load: async () => (await import("./commands/projects.ts")).projects,
  },
  {
    name: "secrets",
    alias: "variables",
    args: "[verb] [name] [more...]",
    summary: "values that jobs get: list, set, rm; protected unless --plain",
    examples: [
      ["slipway secrets set TOKEN < token.txt", "protected: masked, and only for trusted runs"],
      ["slipway variables set LEVEL --plain --branch main", "typed when asked"],
    ],
    verbs: ["list", "set", "rm"],
    flags: remote.secretsFlags,
    load: async () => (await import("./commands/variables.ts")).variables,
  },
  {
    name: "schedules",
    args: "[verb] [name] [cron]",
    summary: "runs that start by the clock: list, set, rm",
    examples: [['slipway schedules set nightly "30 3 * * *" --time-zone Europe/Madrid', "every night"]],
    verbs: ["list", "set", "rm"],
    flags: remote.schedulesFlags,
    load: async () => (await import("./commands/schedules.ts")).schedules,
  },
  {
    name: "hook",
    args: "[project]",
    summary: "print a post-receive script that tells the server of pushes",
    examples: [["slipway hook main/shop > hooks/post-receive", "in a bare repository"]],
    flags: remote.projectOf,
    load: async () => (await import("./commands/projects.ts")).hook,
  },
  {
    name: "organisations",
    args: "[verb] [name]",
    summary: "organisations: list, create",
    examples: [["slipway organisations create shop", "for administrators"]],
    verbs: ["list", "create"],
    flags: remote.serverOf,
    load: async () => (await import("./commands/people.ts")).organisations,
  },
  {
    name: "members",
    args: "<organisation> [verb] [name] [role]",
    summary: "members of an organisation and their roles: list, set, rm",
    examples: [["slipway members main set somebody reporter", "roles: owner, maintainer, reporter, reader"]],
    flags: remote.serverOf,
    load: async () => (await import("./commands/people.ts")).members,
  },
  {
    name: "users",
    args: "[verb] [name]",
    summary: "accounts: list, create, password, enable, disable, admin, no-admin",
    examples: [["slipway users create somebody", "asks for a password"]],
    verbs: ["list", "create", "password", "enable", "disable", "admin", "no-admin"],
    flags: remote.usersFlags,
    load: async () => (await import("./commands/people.ts")).users,
  },
  {
    name: "tokens",
    args: "[verb] [name]",
    summary: "tokens: list, create, revoke",
    examples: [["slipway tokens create --worker --class default night-shift", "for a worker"]],
    verbs: ["list", "create", "revoke"],
    flags: remote.tokensFlags,
    load: async () => (await import("./commands/tokens.ts")).tokens,
  },
  {
    name: "queue",
    args: "",
    summary: "jobs that wait or run, and why they wait",
    examples: [["slipway queue", "of your organisations"]],
    flags: remote.queueFlags,
    load: async () => (await import("./commands/server-lists.ts")).queue,
  },
  {
    name: "workers",
    args: "",
    summary: "workers of a server",
    examples: [["slipway workers", "who is alive"]],
    flags: remote.serverOf,
    load: async () => (await import("./commands/server-lists.ts")).workers,
  },
  {
    name: "classes",
    args: "[verb] [name] [settings...]",
    summary: "classes of jobs; `set NAME KEY=VALUE` changes one",
    examples: [["slipway classes set default engine=host", "jobs of this class run without containers"]],
    verbs: ["list", "set"],
    flags: remote.serverOf,
    load: async () => (await import("./commands/server-lists.ts")).classes,
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
    name: "backup",
    args: "<file>",
    summary: "the whole platform as one file, while it runs",
    examples: [["slipway backup /mnt/slipway.backup", "with the settings of the server"]],
    flags: remote.backupFlags,
    load: async () => (await import("./commands/backup.ts")).backup,
  },
  {
    name: "restore",
    args: "<file>",
    summary: "bring a backup back, into an empty data directory",
    examples: [["slipway restore /mnt/slipway.backup --data-dir /srv/ci", "a new place"]],
    flags: remote.backupFlags,
    load: async () => (await import("./commands/backup.ts")).restore,
  },
  {
    name: "rotate-keys",
    args: "",
    summary: "seal all secrets with the newest key of the settings",
    examples: [["SLIPWAY_SECRET_KEY=NEW,OLD slipway rotate-keys", "then OLD may go"]],
    flags: remote.backupFlags,
    load: async () => (await import("./commands/rotate-keys.ts")).rotateKeys,
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
  ...(["pull", "docker", "step", "doc"] as const).map(
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
