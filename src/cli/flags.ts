// Every flag of the command line as data: the parser, the help, the shell completion and the reading of environment
// variables are all made from this table. It must stay free of imports, since completion and help load it.

export interface Flag {
  /** Long name without dashes. One that begins with `no-` turns a setting off that is on by default. */
  name: string;
  short?: string;
  /** What stands for the value in the help; a flag without one is a switch. */
  value?: string;
  /** May be given more than once. */
  repeat?: true;
  /** Values that are accepted, where only some are. */
  choices?: readonly string[];
  /** A switch that is on unless `--NAME=false` or `--no-NAME` is given. */
  on?: true;
  /** Read when the flag is not given, in this order; a drop-in command reads all, the others `SLIPWAY_*` and `DOCKER_*`. */
  env?: readonly string[];
  /** Not shown in the help. */
  hidden?: true;
  /** Taken for compatibility; using it prints a warning that says what holds instead. */
  noEffect?: string;
  help: string;
}

export const globalFlags: readonly Flag[] = [
  {
    name: "environment",
    value: "FILE",
    env: ["SLIPWAY_ENVIRONMENT_FILE", "WERCKER_ENVIRONMENT_FILE"],
    help: "file of KEY=VALUE lines; keys with X_ or XXX_ reach the steps (default: ENVIRONMENT)",
  },
  { name: "verbose", help: "say more about what is done" },
  { name: "no-colors", help: "no colours; NO_COLOR does the same" },
  { name: "debug", help: "even more, in a form for programs; implies --verbose and --no-colors" },
  { name: "log-json", hidden: true, help: "the program's own lines as JSON objects" },
  {
    name: "base-url",
    value: "URL",
    hidden: true,
    help: "address of the platform, for WERCKER_RUN_URL and the like",
  },
  {
    name: "steps-registry",
    value: "TEMPLATE",
    env: ["SLIPWAY_STEPS_URL", "STEPS_REGISTRY"],
    help: "git URL of steps, with {owner} and {name} in it; there is no default",
  },
  { name: "auth-token", value: "TOKEN", hidden: true, help: "password of the built-in registry" },
  {
    name: "auth-token-store",
    value: "FILE",
    hidden: true,
    noEffect: "there is no login here; give --auth-token",
    help: "",
  },
  { name: "journal", hidden: true, noEffect: "it never had any effect", help: "" },
  {
    name: "wercker-endpoint",
    value: "URL",
    hidden: true,
    noEffect: "it has been without effect for long",
    help: "",
  },
];

const minutes = "MINUTES";

/** Flags of everything that runs pipelines. */
export const runFlags: readonly Flag[] = [
  {
    name: "engine",
    value: "NAME",
    choices: ["auto", "docker", "host", "any"],
    env: ["SLIPWAY_ENGINE"],
    help: "docker, host (no isolation), auto (docker, else an error), any (docker where it can, else host)",
  },
  { name: "json", help: "every event of the run as one line of JSON on stdout" },
  { name: "pipeline", value: "NAME", env: ["WERCKER_PIPELINE"], help: "the pipeline to run" },
  {
    name: "file",
    short: "f",
    value: "FILE",
    env: ["SLIPWAY_FILE"],
    help: "the pipeline file, instead of looking for one",
  },
  {
    name: "wercker-yml",
    value: "FILE",
    env: ["WERCKER_YML_FILE"],
    hidden: true,
    help: "the same as --file",
  },
  {
    name: "working-dir",
    value: "DIR",
    env: ["SLIPWAY_WORKING_DIR", "WERCKER_WORKING_DIR"],
    help: "where runs, cache and artifacts are kept (default: .slipway)",
  },
  { name: "artifacts", help: "keep the output of the pipeline, for deploy and later runs" },
  { name: "deploy-target", value: "NAME", env: ["WERCKER_DEPLOYTARGET_NAME"], help: "list of steps to use" },
  { name: "direct-mount", help: "mount source and cache into the box instead of copying them" },
  { name: "docker-local", help: "use only images that are here; never pull or push" },
  {
    name: "pull",
    value: "WHEN",
    choices: ["always", "missing", "never"],
    help: "when images are pulled (default: missing; build, deploy and dev: always)",
  },
  { name: "attach-on-error", help: "open a shell in the box as the failing step left it" },
  { name: "checkpoint", value: "NAME", help: "begin after this checkpoint, from its image" },
  { name: "commit", value: "NAME[:TAG]", help: "make an image of the box after the steps" },
  { name: "tag", value: "TAG", env: ["WERCKER_GIT_BRANCH"], help: "tag of that image (default: the branch)" },
  { name: "message", value: "TEXT", help: "message of that image" },
  { name: "expose-ports", help: "make ports of box and services reachable on this machine" },
  { name: "enable-volumes", help: "mount what the file has under volumes" },
  { name: "publish", value: "PORT", repeat: true, help: "a port of the box, as HOST:CONTAINER" },
  { name: "no-remove", help: "keep the containers of the run" },
  { name: "source-dir", value: "DIR", help: "directory of the source in which steps start" },
  { name: "ignore-file", value: "FILE", help: "what not to copy (default: .slipwayignore, .werckerignore)" },
  { name: "command-timeout", value: minutes, help: "time that a step may take (default: 25)" },
  {
    name: "no-response-timeout",
    value: minutes,
    help: "time that a step may be without output (default: 5)",
  },
  { name: "memory", value: "SIZE", help: "memory of box and services together, such as 2g" },
  { name: "cpu", value: "CORES", help: "processor cores of the box" },
  { name: "matrix", value: "KEY=VALUE", repeat: true, help: "run only these combinations of the matrix" },
  { name: "parallel", value: "N", help: "how many runs go side by side (default: 2)" },
  { name: "event", value: "NAME", help: "what `when: event` sees (default: manual)" },
  { name: "dump-job", value: "FILE", help: "write the resolved job as JSON, without secret values, and end" },
  { name: "run", help: "with --dump-job: run it all the same" },
  { name: "job", value: "FILE", help: "run a job that --dump-job wrote; secret values come from XXX_NAME" },
  { name: "run-id", value: "ID", env: ["WERCKER_DEPLOY_ID"], hidden: true, help: "id of the run" },
  {
    name: "application-id",
    value: "ID",
    env: ["WERCKER_APPLICATION_ID"],
    hidden: true,
    help: "id of the project",
  },
  {
    name: "application-name",
    value: "NAME",
    env: ["WERCKER_APPLICATION_NAME"],
    hidden: true,
    help: "name of the project",
  },
  {
    name: "application-owner-name",
    value: "NAME",
    env: ["WERCKER_APPLICATION_OWNER_NAME"],
    hidden: true,
    help: "owner of the project",
  },
  {
    name: "git-domain",
    value: "HOST",
    env: ["WERCKER_GIT_DOMAIN"],
    hidden: true,
    help: "WERCKER_GIT_DOMAIN",
  },
  { name: "git-owner", value: "NAME", env: ["WERCKER_GIT_OWNER"], hidden: true, help: "WERCKER_GIT_OWNER" },
  {
    name: "git-repository",
    value: "NAME",
    env: ["WERCKER_GIT_REPOSITORY"],
    hidden: true,
    help: "WERCKER_GIT_REPOSITORY",
  },
  {
    name: "git-branch",
    value: "NAME",
    env: ["WERCKER_GIT_BRANCH"],
    hidden: true,
    help: "branch, instead of what git says",
  },
  {
    name: "git-tag",
    value: "NAME",
    env: ["WERCKER_GIT_TAG"],
    hidden: true,
    help: "tag, instead of what git says",
  },
  {
    name: "git-commit",
    value: "SHA",
    env: ["WERCKER_GIT_COMMIT"],
    hidden: true,
    help: "commit, instead of what git says",
  },
  { name: "docker-host", value: "URL", env: ["DOCKER_HOST"], help: "address of the container daemon" },
  {
    name: "docker-tls-verify",
    value: "0|1",
    env: ["DOCKER_TLS_VERIFY"],
    hidden: true,
    help: "1: speak TLS with the daemon",
  },
  {
    name: "docker-cert-path",
    value: "DIR",
    env: ["DOCKER_CERT_PATH"],
    hidden: true,
    help: "cert.pem, key.pem and ca.pem",
  },
  {
    name: "docker-dns",
    value: "IP",
    repeat: true,
    env: ["DOCKER_DNS"],
    hidden: true,
    help: "name server of the containers",
  },
  {
    name: "docker-network",
    value: "NAME",
    hidden: true,
    help: "use this network instead of one for the run",
  },
  { name: "docker-memory", value: "MB", hidden: true, help: "memory of box and services in MB" },
  { name: "docker-memory-swap", value: "MB", hidden: true, help: "memory and swap in MB" },
  { name: "docker-cleanup-image", hidden: true, help: "remove images that the run made" },
  { name: "suppress-build-logs", hidden: true, help: "do not print the output of steps" },
  { name: "enable-dev-steps", on: true, hidden: true, help: "checkpoints and steps for development" },
  {
    name: "wercker-container-registry",
    value: "URL",
    env: ["WERCKER_CONTAINER_REGISTRY"],
    hidden: true,
    help: "the registry that --auth-token is for",
  },
  ...withoutEffect(["docker-cpu-period", "docker-cpu-quota", "docker-memory-reservation"], "use --cpu"),
  ...withoutEffect(["docker-kernel-memory"], "use --memory"),
  ...withoutEffect(["build-id", "deploy-id"], "use --run-id"),
  ...withoutEffect(["application-started-by-name"], "set WERCKER_STARTED_BY instead"),
  ...withoutEffect(
    ["mnt-root", "guest-root", "report-root"],
    "the paths in the box are /pipeline and /report",
  ),
  ...withoutEffect(["local-file-store"], "artifacts lie below --working-dir"),
  ...withoutEffect(["rdd-service-uri", "rdd-provision-timeout"], "name the remote daemon with --docker-host"),
  ...withoutEffect(["wercker-host", "wercker-token"], "runs on this machine report to nobody; use --json"),
  ...withoutEffect(
    ["aws-secret-key", "aws-access-key", "s3-bucket", "aws-region"],
    "artifacts lie below --working-dir",
  ),
  ...withoutEffect(
    [
      "oci-tenancy-ocid",
      "oci-user-ocid",
      "oci-region",
      "oci-private-key-path",
      "oci-private-key-passphrase",
      "oci-fingerprint",
      "oci-bucket",
      "oci-namespace",
    ],
    "artifacts lie below --working-dir",
  ),
  {
    name: "report",
    hidden: true,
    noEffect: "runs on this machine report to nobody; use --json",
    help: "",
  },
  { name: "store-s3", hidden: true, noEffect: "artifacts lie below --working-dir", help: "" },
  { name: "store-oci", hidden: true, noEffect: "artifacts lie below --working-dir", help: "" },
  {
    name: "workflows-in-yml",
    hidden: true,
    noEffect: "workflows of the file are always checked",
    help: "",
  },
];

function withoutEffect(names: string[], instead: string): Flag[] {
  return names.map(name => ({ name, value: "VALUE", hidden: true, noEffect: instead, help: "" }));
}

/** Flags of `workflow` besides those of a run. */
export const workflowFlags: readonly Flag[] = [
  {
    name: "approve",
    value: "NAME",
    repeat: true,
    help: "approve this entry beforehand; `all` approves every one",
  },
];

/** The key under which the parser puts a flag's value: `docker-local` -> `dockerLocal`, `no-remove` -> `remove`. */
export function flagKey(flag: Flag): string {
  const name = flag.value === undefined ? flag.name.replace(/^no-/, "") : flag.name;
  return name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
