// Flags of the commands that speak to a server, as data without imports, like all flags.

import { type Flag, runFlags } from "./flags.ts";

export const json: Flag = { name: "json", help: "one JSON object on stdout, for programs" };

/** Which server, which project. */
export const serverOf: readonly Flag[] = [
  {
    name: "server",
    value: "NAME",
    help: "a server's name or address (SLIPWAY_SERVER; default: the last one signed in to)",
  },
  json,
];
export const projectOf: readonly Flag[] = [
  {
    name: "project",
    value: "ORG/NAME",
    help: "the project (SLIPWAY_PROJECT; default: that of this checkout's origin)",
  },
  ...serverOf,
];

const events = ["push", "pull-request", "schedule", "manual"];
const job: Flag = { name: "job", value: "NAME", help: "one job of the run, NAME or NAME/COMBINATION" };
const variable: Flag = {
  name: "var",
  value: "KEY=VALUE",
  repeat: true,
  help: "a variable of this run; may be given more than once",
};
const follow: Flag = {
  name: "follow",
  short: "f",
  help: "follow the run to its end; the exit code is its outcome's",
};

/** On `run` and `workflow`. */
export const remoteFlags: readonly Flag[] = [
  { name: "remote", help: "on a server: send the working tree as it is, and follow the run" },
  { name: "detach", help: "with --remote: do not follow the run" },
  variable,
  { name: "project", value: "ORG/NAME", help: "with --remote: the project on the server" },
  { name: "server", value: "NAME", help: "with --remote: a server's name or address" },
];

export const loginFlags: readonly Flag[] = [
  { name: "name", value: "NAME", help: "what to call the server (default: its host)" },
  { name: "token-stdin", help: "read a token from standard input" },
  json,
];
export const runsFlags: readonly Flag[] = [
  { name: "branch", value: "NAME", help: "runs of a branch" },
  { name: "workflow", value: "NAME", help: "runs of a workflow" },
  {
    name: "outcome",
    value: "OUTCOME",
    choices: ["passed", "failed", "timed-out", "canceled", "skipped", "broken"],
    help: "how they ended",
  },
  { name: "state", value: "STATE", choices: ["planning", "running", "finished"], help: "how far they are" },
  { name: "person", value: "NAME", help: "runs that somebody started" },
  { name: "event", value: "EVENT", choices: events, help: "what started them" },
  { name: "commit", value: "ID", help: "runs of a commit, or of those that begin so" },
  { name: "limit", value: "N", help: "how many (default: 20)" },
  { name: "after", value: "PAGE", help: "the page that follows another one" },
  ...projectOf,
];
export const logsFlags: readonly Flag[] = [
  job,
  { name: "step", value: "NAME", help: "the output of one step" },
  follow,
  ...projectOf,
];
export const cancelFlags: readonly Flag[] = [
  job,
  { name: "reason", value: "TEXT", help: "why, for those who wonder" },
  ...projectOf,
];
export const rerunFlags: readonly Flag[] = [follow, ...projectOf];
export const approveFlags: readonly Flag[] = [{ name: "refuse", help: "refuse instead" }, ...projectOf];
export const triggerFlags: readonly Flag[] = [
  { name: "branch", value: "NAME", help: "the branch (default: the project's)" },
  { name: "tag", value: "NAME", help: "a tag" },
  { name: "commit", value: "ID", help: "a commit" },
  { name: "workflow", value: "NAME", help: "one workflow of the file" },
  { name: "pipeline", value: "NAME", help: "one pipeline of the file" },
  { name: "message", value: "TEXT", help: "what is shown as the run's message" },
  { name: "priority", value: "N", help: "greater ones go first (default: 0)" },
  variable,
  follow,
  ...projectOf,
];
export const artifactsFlags: readonly Flag[] = [
  job,
  { name: "output", short: "o", value: "DIR", help: "where to unpack it (default: its name)" },
  ...projectOf,
];
/** Of the flags of a run on this machine, those that a replay takes. */
export const flagsOfReplay = [
  "engine",
  "docker-host",
  "pull",
  "attach-on-error",
  "enable-volumes",
  "no-remove",
];
export const replayFlags: readonly Flag[] = [
  job,
  { name: "step", value: "NAME", help: "stop before this step, and open a shell there" },
  { name: "env-file", value: "FILE", help: "values of protected variables, KEY=VALUE lines" },
  ...runFlags.filter(flag => flagsOfReplay.includes(flag.name)),
  ...projectOf,
];
export const projectsFlags: readonly Flag[] = [
  { name: "repository", value: "URL", help: "address of its git repository" },
  { name: "default-branch", value: "NAME", help: "its default branch (main)" },
  { name: "poll-seconds", value: "N", help: "look for pushes every N seconds; 0 does not look" },
  { name: "run-days", value: "N", help: "keep finished runs N days; 0: as long as the server does" },
  {
    name: "log-days",
    value: "N",
    help: "keep their logs and artifacts N days; 0: as long as their run",
  },
  { name: "credential-file", value: "FILE", help: "file with user:token, or a private key of ssh" },
  { name: "public", help: "anyone may read its runs" },
  { name: "yes", help: "delete without asking" },
  ...serverOf,
];
export const secretsFlags: readonly Flag[] = [
  { name: "organisation", value: "NAME", help: "of an organisation instead of a project" },
  { name: "pipeline", value: "NAME", help: "for one pipeline only" },
  { name: "plain", help: "not protected: shown to whoever may see it, not masked" },
  { name: "branch", value: "PATTERN", repeat: true, help: "for these branches only" },
  { name: "event", value: "EVENT", repeat: true, choices: events, help: "for these events only" },
  { name: "from-file", value: "FILE", help: "the value is a file's content" },
  ...projectOf,
];
export const tokensFlags: readonly Flag[] = [
  {
    name: "role",
    value: "ROLE",
    choices: ["owner", "maintainer", "reporter", "reader"],
    help: "the most it may do",
  },
  { name: "days", value: "N", help: "how long it is good, or never (default: 90)" },
  { name: "worker", help: "tokens of workers" },
  { name: "class", value: "NAME", repeat: true, help: "classes that workers with it may serve" },
  { name: "project", value: "ORG/NAME", help: "tokens of a project" },
  ...serverOf,
];
export const schedulesFlags: readonly Flag[] = [
  { name: "time-zone", value: "ZONE", help: "in which the time is meant: Europe/Madrid (default: UTC)" },
  { name: "branch", value: "NAME", help: "the branch (default: the project's)" },
  { name: "workflow", value: "NAME", help: "one workflow of the file" },
  { name: "off", help: "keep it, but start nothing" },
  variable,
  ...projectOf,
];
export const handlersFlags: readonly Flag[] = [
  { name: "url", value: "URL", help: "address that calls are handed on to, with their path" },
  { name: "service", value: "NAME:PORT", help: "a Service in the platform's namespace of its cluster" },
  ...serverOf,
];
export const auditFlags: readonly Flag[] = [
  { name: "limit", value: "N", help: "how many entries (default: 100)" },
  ...serverOf,
];
export const usersFlags: readonly Flag[] = [
  { name: "password-stdin", help: "read the password from standard input" },
  ...serverOf,
];
export const queueFlags: readonly Flag[] = [
  { name: "class", value: "NAME", help: "of one class" },
  ...serverOf,
];
export const backupFlags: readonly Flag[] = [
  { name: "data-dir", value: "DIR", help: "the server's data directory (SLIPWAY_DATA_DIR)" },
  { name: "config", value: "FILE", help: "the server's file of settings (SLIPWAY_CONFIG)" },
  json,
];
