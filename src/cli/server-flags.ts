// Flags of `slipway server`, as data without imports, like all flags. A test holds them to the schema of the settings.

import type { Flag } from "./flags.ts";

export const serverFlags: readonly Flag[] = [
  { name: "config", value: "FILE", help: "file with settings, YAML: dataDir: /srv/ci" },
  {
    name: "admin-token",
    help: "print another token of an administrator, and end; also beside a server that runs",
  },
  {
    name: "migrate-only",
    help: "bring the database's tables up to date, and end; waits two minutes for the database",
  },
  { name: "print-config", help: "print what is in effect and where it came from, and end" },
  {
    name: "roles",
    value: "VALUE",
    help: "roles of this process: `api`, `logs`, `reporter`, `worker`; or `database` alone",
  },
  { name: "listen", value: "VALUE", help: "where people, programs and workers reach the server" },
  { name: "runner-listen", value: "VALUE", help: "where runners reach the server, and nothing else is" },
  {
    name: "url",
    value: "VALUE",
    help: "the server's address as people reach it. Unless told, that of `listen`",
  },
  {
    name: "runner-url",
    value: "VALUE",
    help: "the runner listener's address as runners reach it. Unless told, that of `runnerListen`",
  },
  {
    name: "data-dir",
    value: "VALUE",
    help: "directory for everything that the server keeps on this machine",
  },
  {
    name: "database-url",
    value: "VALUE",
    help: "a PostgreSQL server, 14 or later. Unless told, one of our own runs in the data directory",
  },
  {
    name: "database-connections",
    value: "VALUE",
    help: "connections to the database of this process, at most",
  },
  {
    name: "database-listen",
    value: "VALUE",
    help: "where the role `database` serves PostgreSQL to the other roles",
  },
  {
    name: "logs-url",
    value: "VALUE",
    help: "the main listener of a role `logs` elsewhere: an api without that role hands its calls on",
  },
  { name: "logs-runner-url", value: "VALUE", help: "the same of its runner listener" },
  {
    name: "blobs",
    value: "VALUE",
    help: "where sources, caches, artifacts and logs lie: `file:///DIRECTORY` or `s3://BUCKET/PREFIX?endpoint=URL&region=REGION`. Unless told, in the data directory",
  },
  {
    name: "s3-access-key",
    value: "VALUE",
    help: "access key of the S3 store. Unless told, what the AWS SDK finds",
  },
  { name: "tls-cert", value: "VALUE", help: "file with the certificate of both listeners, PEM" },
  { name: "tls-key", value: "VALUE", help: "file with its key, PEM" },
  {
    name: "ca-file",
    value: "VALUE",
    help: "file with certificates to trust beside the usual ones: of git, registries, S3, the api",
  },
  {
    name: "launcher",
    value: "VALUE",
    help: "what the worker launches runners as: processes of its machine, or Pods of a cluster",
  },
  {
    name: "kubeconfig",
    value: "VALUE",
    help: "file by which the worker reaches its cluster. Unless told, the service account of its own Pod",
  },
  { name: "jobs-namespace", value: "VALUE", help: "namespace of job Pods" },
  {
    name: "restricted-namespace",
    value: "VALUE",
    help: "namespace of job Pods of classes with `pod.security=restricted`",
  },
  { name: "runner-image", value: "VALUE", help: "slipway's image, which the runner of a job's Pod is" },
  { name: "runner-pull-policy", value: "VALUE", help: "when that image is pulled" },
  { name: "runner-pull-secrets", value: "VALUE", help: "secrets of the jobs namespaces to pull it with" },
  {
    name: "ca-config-map",
    value: "VALUE",
    help: "configMap of the jobs namespaces whose `ca.crt` runners trust beside the usual ones",
  },
  {
    name: "known-hosts-config-map",
    value: "VALUE",
    help: "configMap of the jobs namespaces whose `known_hosts` has the keys of ssh hosts: runners take no others. Unless told, a host's key is taken as it comes",
  },
  {
    name: "jobs-node-class",
    value: "VALUE",
    help: "class of nodes that job Pods run on, by the label and taint `slipway.dev/node-class`. Unless told, any node",
  },
  {
    name: "creates-per-second",
    value: "VALUE",
    help: "pods of one class that a worker creates per second, at most; less where the cluster is slow",
  },
  {
    name: "max-pods",
    value: "VALUE",
    help: "job Pods of one namespace at which no more are created, until there are a tenth fewer",
  },
  {
    name: "warm-priority-class",
    value: "VALUE",
    help: "priorityClass of the placeholders of classes with `pod.warm`, below that of jobs",
  },
  {
    name: "engine",
    value: "VALUE",
    help: "what jobs of this worker run with. `host` runs trusted jobs without containers",
  },
  { name: "classes", value: "VALUE", help: "classes of jobs that this worker takes" },
  {
    name: "capacity",
    value: "VALUE",
    help: "jobs of this worker at the same time. Unless told, one per two cores, or 200 Pods",
  },
  { name: "labels", value: "VALUE", help: "labels of this worker: NAME=VALUE, separated by commas" },
  { name: "worker-name", value: "VALUE", help: "name of this worker. Unless told, the host's" },
  {
    name: "api-url",
    value: "VALUE",
    help: "the api that the worker takes jobs from. Unless told, this process's own",
  },
  {
    name: "drain-seconds",
    value: "VALUE",
    help: "how long a worker that ends waits for its jobs. What still runs then goes on, and the next worker adopts it",
  },
  {
    name: "linger-seconds",
    value: "VALUE",
    help: "how long a server that ends goes on answering, so that balancers see that it is not ready",
  },
  {
    name: "host-user",
    value: "VALUE",
    help: "user id that jobs of the host engine run as where the server is root. Not the database's",
  },
  { name: "pull", value: "VALUE", help: "whether images are asked for anew before each job" },
  { name: "default-class", value: "VALUE", help: "class of jobs whose file names none" },
  {
    name: "trusted-proxies",
    value: "VALUE",
    help: "reverse proxies whose `X-Forwarded-For` is believed: addresses or networks, separated by commas",
  },
  {
    name: "allow-file-repositories",
    value: "VALUE",
    help: "whether repositories may be directories of the server's machine",
  },
  { name: "retention-days", value: "VALUE", help: "days that finished runs are kept" },
  {
    name: "artifact-days",
    value: "VALUE",
    help: "days that artifacts are kept which do not say so. Unless told, as long as their run",
  },
  { name: "max-log-bytes", value: "VALUE", help: "bytes of one log, at most" },
  { name: "max-artifact-bytes", value: "VALUE", help: "bytes of one artifact, packed, at most" },
  { name: "max-cache-bytes", value: "VALUE", help: "bytes of one cache, packed, at most" },
  {
    name: "routes-kind",
    value: "VALUE",
    help: "what this service registers its own routes as, in the cluster that it runs in",
  },
  { name: "routes-namespace", value: "VALUE", help: "the platform's namespace in that cluster" },
  {
    name: "routes-service",
    value: "VALUE",
    help: "name of this service there: of its Service, its Deployment and its route",
  },
  {
    name: "routes-class",
    value: "VALUE",
    help: "ingressClass of the routes. Unless told, the cluster's default",
  },
  {
    name: "routes-tls-secret",
    value: "VALUE",
    help: "secret there with the certificate of the server's address",
  },
  { name: "routes-gateway", value: "VALUE", help: "gateway that HTTPRoutes belong to" },
  {
    name: "routes-gateway-namespace",
    value: "VALUE",
    help: "namespace of that Gateway. Unless told, the platform's",
  },
  {
    name: "routes-annotations",
    value: "VALUE",
    help: "annotations of the routes, as JSON: what an Ingress controller is to be told",
  },
  { name: "log-level", value: "VALUE", help: "least level of what the server logs" },
];
