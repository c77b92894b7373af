// Everything that an installation into a cluster may be told, as one schema: what it is for, what it may be, what it is
// unless told. Profiles are other defaults. No secret is among the values: those are named by the Secret that holds them.

import { z } from "zod";

const text = z.string().min(1);
/** https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ */
const name = z
  .string()
  .max(63)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, "a name of lower case letters, digits and -");
const quantity = z
  .string()
  .regex(/^\d+(\.\d+)?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$/, "a quantity, such as 500m or 2Gi");
const cidr4 = z.string().refine(value => isCidr(value, 32), "a network, such as 10.0.0.0/8");
const cidr6 = z.string().refine(value => isCidr(value, 128), "a network of IPv6, such as fd00::/8");
const cidr = z
  .string()
  .refine(value => isCidr(value, 32) || isCidr(value, 128), "a network, such as 10.0.0.0/8 or fd00::/8");
const port = z.number().int().min(1).max(65_535);
const texts = z.record(text, z.string());
const resources = z.strictObject({
  requests: z.record(text, quantity).default({}).describe("What it asks for."),
  limits: z.record(text, quantity).default({}).describe("What it may use at most. No cpu: it throttles."),
});

function role(replicas: number, cpu: string, memory: string, limit: string) {
  return z
    .strictObject({
      replicas: z.number().int().min(1).max(100).default(replicas).describe("Pods, unless they scale."),
      scale: z
        .boolean()
        .default(false)
        .describe("Whether a HorizontalPodAutoscaler sets the number of Pods."),
      most: z.number().int().min(1).max(500).default(10).describe("Pods at most, where they scale."),
      cpuPercent: z
        .number()
        .int()
        .min(10)
        .max(100)
        .default(70)
        .describe("Use of requested cpu above which there are more, where they scale."),
      resources: resources.prefault({ requests: { cpu, memory }, limits: { memory: limit } }),
    })
    .prefault({});
}

const image = z
  .strictObject({
    name: text
      .default("slipway:latest")
      .describe("Image of all roles and of the runner, with tag or digest."),
    pullPolicy: z
      .enum(["Always", "IfNotPresent", "Never"])
      .default("IfNotPresent")
      .describe("When nodes ask the registry for it."),
    pullSecrets: z.array(name).default([]).describe("Secrets in all three namespaces to pull it with."),
  })
  .prefault({});

const namespaces = z
  .strictObject({
    platform: name.default("slipway").describe("Namespace of the platform."),
    baseline: name
      .default("slipway-jobs")
      .describe("Namespace of jobs under the `baseline` Pod Security level."),
    restricted: name
      .default("slipway-jobs-restricted")
      .describe("Namespace of jobs under the `restricted` Pod Security level."),
  })
  .prefault({});

const routes = z
  .strictObject({
    kind: z
      .enum(["ingress", "httproute", "none"])
      .default("ingress")
      .describe("What services register their routes as. `none`: reached by other means."),
    className: z.string().default("").describe("IngressClass. Empty: the cluster's default."),
    tlsSecret: z.string().default("").describe("Secret with the certificate of the host. Empty: none."),
    annotations: texts.default({}).describe("Annotations of the routes."),
    gateway: z
      .strictObject({
        name: z.string().default("").describe("Gateway that HTTPRoutes belong to."),
        namespace: z.string().default("").describe("Its namespace."),
      })
      .prefault({}),
    from: z
      .array(cidr)
      .default([])
      .describe(
        "Networks that may reach the api beside the Pods of the cluster, such as those of load balancers and nodes.",
      ),
    trustedProxies: z
      .array(cidr)
      .default([])
      .describe(
        "Networks of the proxies whose `X-Forwarded-For` is believed, such as that of the Ingress controller's Pods.",
      ),
  })
  .prefault({});

const database = z
  .strictObject({
    kind: z
      .enum(["own", "external"])
      .default("own")
      .describe("`own`: a StatefulSet with the role `database`. `external`: a PostgreSQL of yours."),
    secret: z
      .string()
      .default("")
      .describe("Of `external`: Secret in the platform's namespace whose key `url` has postgres://..."),
    storage: quantity.default("20Gi").describe("Size of the volume of `own`."),
    storageClass: z
      .string()
      .default("")
      .describe("StorageClass of that volume. Empty: the cluster's default."),
    resources: resources.prefault({ requests: { cpu: "250m", memory: "512Mi" }, limits: { memory: "2Gi" } }),
  })
  .prefault({});

const blobs = z
  .strictObject({
    kind: z
      .enum(["s3", "volume"])
      .default("s3")
      .describe("Where sources, caches, artifacts and logs lie: an S3-compatible store, or a volume."),
    s3: z
      .strictObject({
        address: z.string().default("").describe("`s3://BUCKET/PREFIX?endpoint=URL&region=REGION`."),
        secret: z
          .string()
          .default("")
          .describe("Secret with the keys `accessKey` and `secretKey`. Empty: what the AWS SDK finds."),
      })
      .prefault({}),
    volume: z
      .strictObject({
        size: quantity.default("50Gi").describe("Size of the volume."),
        storageClass: z.string().default("").describe("Its StorageClass. Empty: the cluster's default."),
        accessMode: z
          .enum(["ReadWriteMany", "ReadWriteOnce"])
          .default("ReadWriteMany")
          .describe("`ReadWriteOnce`: all that use it are kept on one node."),
      })
      .prefault({}),
  })
  .prefault({});

const worker = role(2, "200m", "256Mi", "512Mi")
  .unwrap()
  .extend({
    classes: z.array(text).min(1).default(["default"]).describe("Classes of jobs that the workers take."),
    capacity: z
      .number()
      .int()
      .min(1)
      .max(10_000)
      .default(100)
      .describe("Jobs of one worker at the same time."),
    createsPerSecond: z
      .number()
      .int()
      .min(1)
      .max(10_000)
      .default(200)
      .describe("Pods of one class that a worker creates per second, at most."),
    maxPods: z
      .number()
      .int()
      .min(1)
      .max(150_000)
      .default(3000)
      .describe("Job Pods of one namespace at which no more are created, until there are a tenth fewer."),
  })
  .prefault({});

const jobs = z
  .strictObject({
    quota: z
      .record(text, quantity)
      .default({ pods: "1000" })
      .describe("ResourceQuota of each jobs namespace: `pods`, `requests.cpu`, `limits.memory`, ..."),
    defaultRequests: z
      .record(text, quantity)
      .default({ cpu: "50m", memory: "64Mi" })
      .describe("What a container asks for that does not say so."),
    defaultLimits: z
      .record(text, quantity)
      .default({ memory: "4Gi", "ephemeral-storage": "20Gi" })
      .describe("What a container may use that does not say so."),
    minAvailable: z
      .number()
      .int()
      .min(1)
      .default(1_000_000)
      .describe(
        "Of the PodDisruptionBudgets of the jobs namespaces: more than there are Pods, so that no drain ends a job.",
      ),
  })
  .prefault({});

const egress = z
  .strictObject({
    except: z
      .array(cidr4)
      .default([])
      .describe(
        "Networks that jobs must not reach, beside private, shared, link-local and metadata addresses: those of Pods, Services and nodes where they are public.",
      ),
    except6: z.array(cidr6).default([]).describe("The same of IPv6."),
    allow: z
      .array(z.strictObject({ cidr, ports: z.array(port).min(1) }))
      .default([])
      .describe("What jobs may reach all the same: `{cidr, ports}`, such as an internal registry or git."),
    dnsNamespace: name.default("kube-system").describe("Namespace of the cluster's DNS."),
    dnsAddresses: z
      .array(cidr)
      .default([])
      .describe("Addresses of DNS outside of Pods, such as 169.254.20.10/32 of NodeLocal DNSCache."),
  })
  .prefault({});

export const valuesSchema = z.strictObject({
  url: z
    .string()
    .regex(/^https?:\/\/[^/]+$/, "an http or https address without a path, such as https://ci.example.org")
    .default("http://localhost:8080")
    .describe("Address of the platform as people reach it."),
  image,
  namespaces,
  nodeClasses: z
    .boolean()
    .default(true)
    .describe(
      "Whether nodes carry `slipway.dev/node-class` (see `slipway node-config`), so that jobs run on peasants and services on patricians.",
    ),
  secret: name
    .default("slipway-secrets")
    .describe(
      "Secret with what is generated once: `secretKey`, `workerToken`, `databasePassword`, `databaseUrl`.",
    ),
  api: role(2, "250m", "384Mi", "1Gi"),
  logs: role(2, "250m", "384Mi", "1Gi"),
  reporter: role(2, "200m", "384Mi", "1Gi"),
  worker,
  database,
  blobs,
  routes,
  jobs,
  egress,
  caConfigMap: z
    .string()
    .default("")
    .describe(
      "ConfigMap in all three namespaces whose key `ca.crt` has certificates to trust beside the usual ones.",
    ),
  knownHostsConfigMap: z
    .string()
    .default("")
    .describe(
      "ConfigMap in both jobs namespaces whose key `known_hosts` has the keys of ssh hosts: jobs take sources from no others. Empty: a host's key is taken as it comes.",
    ),
  forwardSecret: z
    .string()
    .default("")
    .describe(
      "Secret in the platform's namespace whose key `forward` lists outside log services, as SLIPWAY_FORWARD does: see server.md.",
    ),
  settings: texts
    .default({})
    .describe('More settings of all roles, by variable: `SLIPWAY_RETENTION_DAYS: "30"`; see server.md.'),
  scrape: z.boolean().default(true).describe("Whether Pods carry the `prometheus.io/scrape` annotations."),
});

export type Values = z.output<typeof valuesSchema>;
export type ValuesInput = z.input<typeof valuesSchema>;

export const profileNames = ["production", "minikube", "kind"] as const;
export type ProfileName = (typeof profileNames)[number];

const small = { requests: { cpu: "50m", memory: "192Mi" }, limits: { memory: "768Mi" } };

/** One node, nothing twice, the image loaded into the node. */
const oneNode: ValuesInput = {
  nodeClasses: false,
  image: { pullPolicy: "Never" },
  api: { replicas: 1, resources: small },
  logs: { replicas: 1, resources: small },
  reporter: { replicas: 1, resources: small },
  worker: { replicas: 1, capacity: 4, resources: small },
  database: { storage: "5Gi", resources: small },
  blobs: { kind: "volume", volume: { size: "10Gi", accessMode: "ReadWriteOnce" } },
  jobs: { quota: { pods: "20" } },
};

export const profiles: Record<ProfileName, ValuesInput> = {
  production: {},
  minikube: { ...oneNode, url: "http://slipway.test", routes: { kind: "ingress", className: "nginx" } },
  kind: { ...oneNode, url: "http://localhost:8080", routes: { kind: "none" } },
};

function isCidr(value: string, most: 32 | 128): boolean {
  const [address = "", bits = "", ...rest] = value.split("/");
  if (rest.length > 0 || !/^\d{1,3}$/.test(bits) || Number(bits) > most) return false;
  if (most === 128) return address.includes(":") && URL.canParse(`http://[${address}]/`);
  return /^(\d{1,3}\.){3}\d{1,3}$/.test(address) && URL.canParse(`http://${address}/`);
}
