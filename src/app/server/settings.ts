// Every setting of the server, in one schema, read once. A flag goes before an environment variable, that before the file,
// that before the default; each knows where its value came from.

import { readFileSync } from "node:fs";
import path from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { readS3Place } from "../../blobs/s3-place.ts";
import { accept, type Result, refuse } from "../../core/failure.ts";
import { nearest } from "../../lib/nearest.ts";

export const roles = ["api", "logs", "reporter", "worker"] as const;
export type RoleName = (typeof roles)[number];

const text = z.string().min(1);
const whole = (least: number, most: number) => z.coerce.number().int().min(least).max(most);
const list = z.preprocess(
  value => (typeof value === "string" ? value.split(",").map(each => each.trim()) : value),
  z.array(text).min(1),
);
const yesOrNo = z.union([z.boolean(), z.stringbool()]);
const address = text.regex(/^(\[[0-9a-fA-F:.]+\]|[^:[\]]*):\d{1,5}$/, "HOST:PORT");
const url = text
  .refine(value => /^https?:\/\//.test(value) && URL.canParse(value), "an http or https address")
  .transform(value => value.replace(/\/+$/, ""));
const blobs = text.superRefine((value, context) => {
  if (/^file:\/\/\//.test(value)) return;
  const place = readS3Place(value);
  if (!place.ok)
    context.addIssue({ code: "custom", message: `${place.refusal.message}; or write file:///DIRECTORY` });
});
/** What is no JSON is refused by what it should have been. */
function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
const forwarder = z.strictObject({
  kind: z.enum(["loki", "ndjson"]),
  name: text,
  url,
  headers: z.record(text, z.string()).default({}),
});

/** Described for `docs/server.md`. Optional ones have a default that depends on others, said in their text. */
export const schema = z.strictObject({
  roles: list
    .pipe(z.array(z.enum(roles)))
    .default([...roles])
    .describe("Roles of this process."),
  listen: address.default("127.0.0.1:8080").describe("Where people, programs and workers reach the server."),
  runnerListen: address
    .default("127.0.0.1:8081")
    .describe("Where runners reach the server, and nothing else is."),
  url: url.optional().describe("The server's address as people reach it. Unless told, that of `listen`."),
  runnerUrl: url
    .optional()
    .describe("The runner listener's address as runners reach it. Unless told, that of `runnerListen`."),
  dataDir: text
    .default("/var/lib/slipway")
    .describe("Directory for everything that the server keeps on this machine."),
  databaseUrl: text
    .regex(/^postgres(ql)?:\/\//, "postgres://...")
    .optional()
    .describe("A PostgreSQL server, 14 or later. Unless told, one of our own runs in the data directory."),
  databaseConnections: whole(2, 500)
    .default(16)
    .describe("Connections to the database of this process, at most."),
  blobs: blobs
    .optional()
    .describe(
      "Where sources, caches, artifacts and logs lie: `file:///DIRECTORY` or `s3://BUCKET/PREFIX?endpoint=URL&region=REGION`. Unless told, in the data directory.",
    ),
  s3AccessKey: text.optional().describe("Access key of the S3 store. Unless told, what the AWS SDK finds."),
  s3SecretKey: text.optional().describe("Secret key of the S3 store."),
  secretKey: text
    .optional()
    .describe(
      "Keys that values are sealed with: 32 bytes each in base64, the newest first, separated by commas. Unless told, one is made in the data directory: keep a copy of it elsewhere.",
    ),
  tlsCert: text.optional().describe("File with the certificate of both listeners, PEM."),
  tlsKey: text.optional().describe("File with its key, PEM."),
  caFile: text
    .optional()
    .describe("File with certificates to trust beside the usual ones: of git, registries, S3, the api."),
  engine: z
    .enum(["docker", "host"])
    .default("docker")
    .describe("What jobs of this worker run with. `host` runs trusted jobs without containers."),
  classes: list.default(["default"]).describe("Classes of jobs that this worker takes."),
  capacity: whole(1, 10_000)
    .optional()
    .describe("Jobs of this worker at the same time. Unless told, one per two cores."),
  labels: z
    .preprocess(
      value =>
        typeof value === "string"
          ? Object.fromEntries(value.split(",").map(pair => pair.split("=", 2)))
          : value,
      z.record(text, text),
    )
    .default({})
    .describe("Labels of this worker: NAME=VALUE, separated by commas."),
  workerName: text.optional().describe("Name of this worker. Unless told, the host's."),
  workerToken: text
    .optional()
    .describe("The worker's token. Unless told, a server with the role api makes one for its own worker."),
  apiUrl: url
    .optional()
    .describe("The api that the worker takes jobs from. Unless told, this process's own."),
  drainSeconds: whole(0, 86_400)
    .default(30)
    .describe(
      "How long a worker that ends waits for its jobs. What still runs then goes on, and the next worker adopts it.",
    ),
  hostUser: whole(1, 2 ** 31)
    .optional()
    .describe(
      "User id that jobs of the host engine run as where the server is root. Unless told, 65534 (nobody).",
    ),
  pull: z
    .enum(["always", "missing", "never"])
    .default("missing")
    .describe("Whether images are asked for anew before each job."),
  defaultClass: text.default("default").describe("Class of jobs whose file names none."),
  allowFileRepositories: yesOrNo
    .default(false)
    .describe("Whether repositories may be directories of the server's machine."),
  retentionDays: whole(1, 36_500).default(90).describe("Days that finished runs are kept."),
  artifactDays: whole(1, 36_500)
    .optional()
    .describe("Days that artifacts are kept which do not say so. Unless told, as long as their run."),
  maxLogBytes: whole(1024, 2 ** 40)
    .default(512 * 2 ** 20)
    .describe("Bytes of one log, at most."),
  maxArtifactBytes: whole(1024, 2 ** 40)
    .default(5 * 2 ** 30)
    .describe("Bytes of one artifact, packed, at most."),
  maxCacheBytes: whole(1024, 2 ** 40)
    .default(2 * 2 ** 30)
    .describe("Bytes of one cache, packed, at most."),
  forward: z
    .preprocess(value => (typeof value === "string" ? jsonOr(value) : value), z.array(forwarder))
    .default([])
    .describe("Outside log services, as a list of `{kind: loki|ndjson, name, url, headers}`."),
  logLevel: z
    .enum(["debug", "info", "warn", "error"])
    .default("info")
    .describe("Least level of what the server logs."),
});

export type ServerSettings = z.output<typeof schema>;
export type SettingName = keyof ServerSettings;

/** Masked where settings are shown; those that come from variables or the file only have no flag. */
export const secretSettings = new Set<SettingName>([
  "secretKey",
  "s3SecretKey",
  "workerToken",
  "databaseUrl",
  "forward",
]);

export interface ReadSettings {
  settings: ServerSettings;
  /** Where each value came from: `flag`, the variable's name, the file's path, or `default`. */
  origins: Record<string, string>;
}

/** `dataDir` -> `SLIPWAY_DATA_DIR`. */
export function variableOf(name: string): string {
  return `SLIPWAY_${name.replace(/[A-Z]/g, letter => `_${letter}`).toUpperCase()}`;
}

/** `dataDir` -> `data-dir`. */
export function flagOf(name: string): string {
  return name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`);
}

/** Refuses with `settings`: every wrong value with its name and where it came from. */
export function readSettings(sources: {
  flags: Record<string, string | undefined>;
  env: Record<string, string | undefined>;
  file?: string | undefined;
}): Result<ReadSettings> {
  const names = Object.keys(schema.shape);
  const values: Record<string, unknown> = {};
  const origins: Record<string, string> = {};
  const file = sources.file === undefined ? accept({}) : readFile(sources.file, names);
  if (!file.ok) return file;
  for (const name of names) {
    const candidates: [string, unknown][] = [
      [`--${flagOf(name)}`, sources.flags[name]],
      [variableOf(name), emptyIsNone(sources.env[variableOf(name)])],
      [sources.file ?? "", (file.value as Record<string, unknown>)[name]],
    ];
    const found = candidates.find(([, value]) => value !== undefined);
    if (found !== undefined) values[name] = found[1];
    origins[name] = found?.[0] ?? "default";
  }
  const parsed = schema.safeParse(values);
  if (parsed.success) {
    const { tlsCert, tlsKey } = parsed.data;
    if ((tlsCert === undefined) !== (tlsKey === undefined)) {
      return refuse(
        "settings",
        "tlsCert and tlsKey belong together: one of them is missing",
        "name both files, or none",
      );
    }
    return accept({ settings: parsed.data, origins });
  }
  const problems = parsed.error.issues.map(issue => {
    const name = String(issue.path[0] ?? "");
    return `${name} (${origins[name] ?? "settings"}): ${issue.message}`;
  });
  return refuse(
    "settings",
    problems.join("\n"),
    "see docs/server.md, or run `slipway server --print-config`",
  );
}

function readFile(file: string, names: string[]): Result<Record<string, unknown>> {
  let value: unknown;
  try {
    value = parse(readFileSync(path.resolve(file), "utf8"));
  } catch (error) {
    return refuse("settings", `${file} cannot be read: ${(error as Error).message}`);
  }
  if (value === null || value === undefined) return accept({});
  if (typeof value !== "object" || Array.isArray(value))
    return refuse("settings", `${file} must hold names and values`);
  const unknown = Object.keys(value).find(name => !names.includes(name));
  if (unknown === undefined) return accept(value as Record<string, unknown>);
  const near = nearest(unknown, names);
  return refuse(
    "settings",
    `${file}: there is no setting "${unknown}"`,
    near === undefined ? "see docs/server.md" : `did you mean "${near}"?`,
  );
}

function emptyIsNone(value: string | undefined): string | undefined {
  return value === "" ? undefined : value;
}

/** What is in effect and where it came from, with secrets masked: for `--print-config`. */
export function shownSettings({
  settings,
  origins,
}: ReadSettings): { name: string; value: string; origin: string }[] {
  return Object.keys(schema.shape).map(name => {
    const value = settings[name as SettingName];
    const shown = value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value);
    const hidden =
      secretSettings.has(name as SettingName) && value !== undefined && origins[name] !== "default";
    return { name, value: hidden ? "***" : shown, origin: origins[name]! };
  });
}
