// The keys of a pipeline file, once: the readers look up here what is known (and what a slip was meant to be), and the
// JSON Schema is made from the same rows. Nothing but data.

import type { Dialect } from "../core/job.ts";

/** A piece of JSON Schema. */
export type Schema = { [keyword: string]: unknown };

export interface KeyRow {
  name: string;
  /** `slipway`: has this meaning in that dialect only. */
  dialect: Dialect | "both";
  description: string;
  schema: Schema;
}

export type KeyGroup = keyof typeof fileKeys;

/** The names of a group that mean something in a dialect, in the order of the documentation. */
export function knownKeys(group: KeyGroup, dialect: Dialect): string[] {
  const rows: readonly KeyRow[] = fileKeys[group];
  return rows.filter(row => row.dialect === "both" || row.dialect === dialect).map(row => row.name);
}

const ref = (name: string): Schema => ({ $ref: `#/$defs/${name}` });
const listOf = (items: Schema): Schema => ({ type: "array", items });
const either = (...anyOf: Schema[]): Schema => ({ anyOf });
const scalar = ref("scalar");
const duration = ref("duration");
const texts = ref("texts");
const steps = either(listOf(ref("step")), { type: "null" });
const boxes = either(listOf(ref("service")), { type: "null" });
const bool: Schema = { type: "boolean" };

function old(name: string, schema: Schema, description: string): KeyRow {
  return { name, dialect: "both", description, schema };
}

function ours(name: string, schema: Schema, description: string): KeyRow {
  return { name, dialect: "slipway", description, schema };
}

const credentials: KeyRow[] = [
  old("username", scalar, "User at the registry."),
  old("password", scalar, "Password at the registry; a variable such as $REGISTRY_PASSWORD."),
  old("registry", scalar, "URL of the registry, where the image's name does not say."),
  old("aws-access-key", scalar, "Amazon ECR: access key."),
  old("aws-secret-key", scalar, "Amazon ECR: secret key; a variable."),
  old("aws-region", scalar, "Amazon ECR: region."),
  old("aws-registry-id", scalar, "Amazon ECR: registry id."),
  old("aws-strict-auth", scalar, "Amazon ECR: accepted, has no effect."),
  old("azure-client-id", scalar, "Azure ACR: client id."),
  old("azure-client-secret", scalar, "Azure ACR: client secret; a variable."),
  old("azure-subscription-id", scalar, "Azure ACR: subscription id."),
  old("azure-tenant-id", scalar, "Azure ACR: tenant id."),
  old("azure-resource-group", scalar, "Azure ACR: resource group."),
  old("azure-registry-name", scalar, "Azure ACR: name of the registry."),
  old("azure-login-server", scalar, "Azure ACR: login server."),
];

/** Keys of a box that hold what a registry wants to know. */
export const credentialKeys: readonly string[] = credentials.map(row => row.name);

const box: KeyRow[] = [
  old("id", scalar, "Image: name, name:tag, host:port/name:tag or name@sha256:digest. May hold $VAR."),
  old("tag", scalar, "Tag of the image; goes before a tag in id."),
  old("name", scalar, "Service: its host name and the prefix of its variables."),
  old("cmd", scalar, "Command of the container, split into words as a shell does."),
  old("entrypoint", scalar, "Entrypoint of the container, split into words as a shell does."),
  old("env", ref("variables"), "Environment of the container; names are put into upper case."),
  old("ports", listOf(scalar), "Ports: [[host ip:]host port:]container port[/proto]."),
  old("volumes", scalar, "Paths or host:guest pairs, separated by spaces or commas."),
  ...credentials,
];

export const fileKeys = {
  file: [
    old("box", ref("box"), "Box of every pipeline that has none of its own."),
    old("services", boxes, "Services of every pipeline that lists none of its own."),
    old("command-timeout", ref("minutes"), "Limit for each step. Minutes, at most 60."),
    old("no-response-timeout", ref("minutes"), "Limit for a step that prints nothing. Minutes, at most 60."),
    old("source-dir", scalar, "Directory of the source in which steps start."),
    old("ignore-file", scalar, "File with patterns of what is not copied; .werckerignore unless given."),
    old("workflows", listOf(ref("workflow")), "Pipelines in order."),
  ],
  pipeline: [
    old("box", ref("box"), "Replaces the file's box as a whole."),
    old("services", boxes, "Replaces the file's services as a whole; [] for none."),
    old("steps", steps, "Steps in order."),
    old("after-steps", steps, "Steps that run when the others are over, passed or failed."),
    old("base-path", scalar, "Directory of the box for the source; absolute, at least two levels deep."),
    old("docker", bool, "Direct access to the Docker daemon."),
    ours("timeout", duration, "Limit for all steps together."),
    ours("matrix", ref("matrix"), "Axes and their values: one job for each combination."),
    ours("resources", ref("resources"), "What the box needs."),
    ours("class", scalar, "Named kind of place to run."),
    ours("concurrency", ref("concurrency"), "Group of which one run goes at a time."),
    ours("cache", ref("cache"), "Directories that are kept for later runs."),
    ours("reports", texts, "Globs of JUnit files."),
    ours("artifacts", ref("artifacts"), "Files that are kept after the run."),
    ours("checkout", ref("checkout"), "How the source is fetched."),
  ],
  step: [
    old("name", scalar, "What people read."),
    old("cwd", scalar, "Directory to start in, from the source directory."),
    old("checkpoint", scalar, "Name under which the box is kept after this step."),
    ours("timeout", duration, "Limit for each try of this step."),
    ours("retry", ref("retry"), "How often it is tried in all."),
    ours("when", ref("when"), "Conditions under which it runs."),
    ours("env", ref("variables"), "Variables for this step alone."),
    ours("allow-failure", bool, "A failure does not end the pipeline."),
    ours("with", ref("options"), "Options of the step; here their names cannot collide with the keys above."),
  ],
  box,
  service: [
    ...box,
    old("url", scalar, "file://PATH#PIPELINE: a service that is built from a project."),
    ours("ready", ref("ready"), "What tells that it can be used."),
  ],
  workflow: [
    old("name", scalar, "Name to call it by."),
    old("pipelines", listOf(ref("entry")), "Its pipelines; exactly one requires none."),
    ours("on", ref("trigger"), "What starts it; every push to a branch unless given."),
  ],
  entry: [
    old("name", scalar, "Unique in the workflow."),
    old("pipelineName", scalar, "Pipeline to run; the name unless given."),
    old("requires", texts, "Names in this workflow that must have passed."),
    old("artifactPipeline", scalar, "Which of several required ones gives the source."),
    old("envFile", scalar, "Environment file for local runs."),
    ours("branches", texts, "Patterns: runs for these branches only."),
    ours("approval", bool, "Waits for a person."),
    ours("environment", scalar, "Environment that it deploys to."),
  ],
  trigger: [
    ours("push", ref("push"), "Pushes of branches and tags."),
    ours("pullRequest", ref("pullRequest"), "Pull requests, by the branch they go to."),
    ours("schedule", ref("schedules"), "Times."),
    ours("run", ref("run"), "The end of runs of other workflows of the file."),
    ours("manual", bool, "Whether people may start it; they may unless given."),
  ],
  push: [
    ours("branches", texts, "Patterns of branches."),
    ours("tags", texts, "Patterns of tags."),
    ours("paths", texts, "Patterns of files of which one must have changed."),
  ],
  pullRequest: [ours("branches", texts, "Patterns of the branches they go to.")],
  run: [
    ours("workflows", texts, "Names of the workflows whose runs have ended."),
    ours("outcomes", ref("runOutcomes"), "How they have to have ended; passed unless given."),
    ours("branches", texts, "Patterns of branches of those runs."),
  ],
  schedule: [
    ours("cron", { type: "string" }, "Minute, hour, day of month, month, day of week."),
    ours("timeZone", { type: "string" }, "Such as Europe/Berlin; UTC unless given."),
  ],
  when: [
    ours("branch", texts, "Patterns of branches."),
    ours("tag", texts, "Patterns of tags."),
    ours("event", ref("events"), "What started the run."),
    ours("result", ref("results"), "How the steps before it ended."),
  ],
  retry: [
    ours("attempts", { type: "integer", minimum: 1, maximum: 10 }, "Tries in all."),
    ours("delay", duration, "Pause between two tries."),
  ],
  resources: [
    ours("cpu", ref("cpu"), "Cores: 0.5 or 500m."),
    ours("memory", ref("size"), "Such as 512Mi or 2G."),
    ours("ephemeral-storage", ref("size"), "Disk, such as 10Gi."),
    ours("arch", { type: "string" }, "Processor: amd64, arm64, ..."),
  ],
  concurrency: [
    ours("group", scalar, "Name of the group."),
    ours("cancel-in-progress", bool, "A newer run cancels the one that is going."),
  ],
  cache: [
    ours("paths", texts, "Files and directories, from the source directory unless absolute."),
    ours(
      "key",
      scalar,
      'Name of the entry; may hold $VAR and {{ checksum "FILE" }}; the pipeline\'s name unless given.',
    ),
    ours(
      "fallback-keys",
      texts,
      "Beginnings of other names to take where there is no entry, the first first.",
    ),
  ],
  artifact: [
    ours("name", scalar, "What people read."),
    ours("paths", texts, "Globs, from the source directory."),
    ours("retention", ref("days"), "How long it is kept: 14d, 2w or a number of days."),
  ],
  checkout: [
    ours("depth", { type: "integer", minimum: 0, maximum: 1_000_000 }, "Commits of history; 0 for all."),
    ours("submodules", bool, "Fetch submodules too."),
    ours("lfs", bool, "Fetch the content of large files."),
    ours("tags", bool, "Fetch tags."),
  ],
  ready: [
    ours("port", { type: "integer", minimum: 1, maximum: 65535 }, "A port that must accept connections."),
    ours("command", scalar, "A command in the service that must exit 0."),
    ours("timeout", duration, "How long to wait; 1m unless given."),
  ],
} satisfies Record<string, KeyRow[]>;
