// Every setting of the server as one schema: what it is for, what it may be, what it is unless told.

import { z } from "zod";
import { readS3Place } from "../../blobs/s3-place.ts";
import { isNetwork } from "../../http/caller-address.ts";

/** All that a server does unless told. */
const usualRoles = ["api", "logs", "reporter", "worker"] as const;
const roles = [...usualRoles, "database"] as const;
export type RoleName = (typeof roles)[number];

const text = z.string().min(1);
/** Variables and flags are text; a file may hold numbers. */
const number = z.union(
  [
    z.number(),
    z
      .string()
      .regex(/^\d{1,15}$/, "a number")
      .transform(Number),
  ],
  "a number",
);
const whole = (least: number, most: number) => number.pipe(z.number().int().min(least).max(most));
const list = z.preprocess(
  value => (typeof value === "string" ? value.split(",").map(each => each.trim()) : value),
  z.array(text).min(1),
);
const yesOrNo = z.union([z.boolean(), z.stringbool()]);
const address = text
  .regex(
    /^(\[[0-9a-fA-F:.]+\]|[^:[\]/\s]*):\d{1,5}$/,
    "HOST:PORT, such as 127.0.0.1:8080 or :8080 for all addresses",
  )
  .refine(value => Number(value.slice(value.lastIndexOf(":") + 1)) < 65_536, "a port is at most 65535");
const url = text
  .refine(value => /^https?:\/\//.test(value) && URL.canParse(value), "an http or https address")
  .transform(value => value.replace(/\/+$/, ""));
/** https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names */
const namespace = text.regex(
  /^(?=.{1,63}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?$/,
  "a name of lower-case letters, digits and -",
);
const pullPolicy = z.enum(["Always", "IfNotPresent", "Never"]);
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
const keys = text.refine(
  value => value.split(",").every(each => /^[A-Za-z0-9+/]{43}=$/.test(each.trim())),
  "32 bytes in base64, as `openssl rand -base64 32` makes them; several are separated by commas",
);
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
    .default([...usualRoles])
    .describe("Roles of this process: `api`, `logs`, `reporter`, `worker`; or `database` alone."),
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
  databaseListen: address
    .default(":5432")
    .describe("Where the role `database` serves PostgreSQL to the other roles."),
  databasePassword: text.optional().describe("Password that the role `database` asks for."),
  logsUrl: url
    .optional()
    .describe("The main listener of a role `logs` elsewhere: an api without that role hands its calls on."),
  logsRunnerUrl: url.optional().describe("The same of its runner listener."),
  blobs: blobs
    .optional()
    .describe(
      "Where sources, caches, artifacts and logs lie: `file:///DIRECTORY` or `s3://BUCKET/PREFIX?endpoint=URL&region=REGION`. Unless told, in the data directory.",
    ),
  s3AccessKey: text.optional().describe("Access key of the S3 store. Unless told, what the AWS SDK finds."),
  s3SecretKey: text.optional().describe("Secret key of the S3 store."),
  secretKey: keys
    .optional()
    .describe(
      "Keys that values are sealed with: 32 bytes each in base64, the newest first, separated by commas. Unless told, one is made in the data directory: keep a copy of it elsewhere.",
    ),
  tlsCert: text.optional().describe("File with the certificate of both listeners, PEM."),
  tlsKey: text.optional().describe("File with its key, PEM."),
  caFile: text
    .optional()
    .describe("File with certificates to trust beside the usual ones: of git, registries, S3, the api."),
  launcher: z
    .enum(["process", "kubernetes"])
    .default("process")
    .describe("What the worker launches runners as: processes of its machine, or Pods of a cluster."),
  kubeconfig: text
    .optional()
    .describe(
      "File by which the worker reaches its cluster. Unless told, the service account of its own Pod.",
    ),
  jobsNamespace: namespace.default("slipway-jobs").describe("Namespace of job Pods."),
  restrictedNamespace: namespace
    .default("slipway-jobs-restricted")
    .describe("Namespace of job Pods of classes with `pod.security=restricted`."),
  runnerImage: text.optional().describe("Slipway's image, which the runner of a job's Pod is."),
  runnerPullPolicy: pullPolicy.default("IfNotPresent").describe("When that image is pulled."),
  runnerPullSecrets: list.optional().describe("Secrets of the jobs namespaces to pull it with."),
  caConfigMap: text
    .optional()
    .describe("ConfigMap of the jobs namespaces whose `ca.crt` runners trust beside the usual ones."),
  knownHostsConfigMap: text
    .optional()
    .describe(
      "ConfigMap of the jobs namespaces whose `known_hosts` has the keys of ssh hosts: runners take no others. Unless told, a host's key is taken as it comes.",
    ),
  jobsNodeClass: text
    .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, "a name of lower case letters, digits and -")
    .optional()
    .describe(
      "Class of nodes that job Pods run on, by the label and taint `slipway.dev/node-class`. Unless told, any node.",
    ),
  createsPerSecond: whole(1, 10_000)
    .default(200)
    .describe("Pods of one class that a worker creates per second, at most; less where the cluster is slow."),
  maxPods: whole(1, 150_000)
    .default(3000)
    .describe("Job Pods of one namespace at which no more are created, until there are a tenth fewer."),
  warmPriorityClass: text
    .default("slipway-warm")
    .describe("PriorityClass of the placeholders of classes with `pod.warm`, below that of jobs."),
  engine: z
    .enum(["docker", "host"])
    .default("docker")
    .describe("What jobs of this worker run with. `host` runs trusted jobs without containers."),
  classes: list.default(["default"]).describe("Classes of jobs that this worker takes."),
  capacity: whole(1, 10_000)
    .optional()
    .describe("Jobs of this worker at the same time. Unless told, one per two cores, or 200 Pods."),
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
  lingerSeconds: whole(0, 600)
    .default(0)
    .describe("How long a server that ends goes on answering, so that balancers see that it is not ready."),
  hostUser: whole(1, 2 ** 31)
    .default(65_534)
    .describe("User id that jobs of the host engine run as where the server is root. Not the database's."),
  pull: z
    .enum(["always", "missing", "never"])
    .default("missing")
    .describe("Whether images are asked for anew before each job."),
  defaultClass: text.default("default").describe("Class of jobs whose file names none."),
  trustedProxies: list
    .pipe(z.array(text.refine(isNetwork, "an address or a network, such as 10.0.0.0/8")))
    .default([])
    .describe(
      "Reverse proxies whose `X-Forwarded-For` is believed: addresses or networks, separated by commas.",
    ),
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
  routesKind: z
    .enum(["ingress", "httproute", "none"])
    .default("none")
    .describe("What this service registers its own routes as, in the cluster that it runs in."),
  routesNamespace: text.optional().describe("The platform's namespace in that cluster."),
  routesService: text
    .optional()
    .describe("Name of this service there: of its Service, its Deployment and its route."),
  routesClass: text.optional().describe("IngressClass of the routes. Unless told, the cluster's default."),
  routesTlsSecret: text.optional().describe("Secret there with the certificate of the server's address."),
  routesGateway: text.optional().describe("Gateway that HTTPRoutes belong to."),
  routesGatewayNamespace: text.optional().describe("Namespace of that Gateway. Unless told, the platform's."),
  routesAnnotations: z
    .preprocess(value => (typeof value === "string" ? jsonOr(value) : value), z.record(text, z.string()))
    .default({})
    .describe("Annotations of the routes, as JSON: what an Ingress controller is to be told."),
  logLevel: z
    .enum(["debug", "info", "warn", "error"])
    .default("info")
    .describe("Least level of what the server logs."),
});

export type ServerSettings = z.output<typeof schema>;
export type SettingName = keyof ServerSettings;

/** Masked wherever settings are shown. No flags: arguments of a process can be read by everybody on its machine. */
export const secretSettings: ReadonlySet<SettingName> = new Set<SettingName>([
  "secretKey",
  "s3SecretKey",
  "workerToken",
  "databaseUrl",
  "databasePassword",
  "forward",
]);
