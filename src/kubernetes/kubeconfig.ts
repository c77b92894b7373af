// Reads a kubeconfig the way kubectl does, as far as today's clusters use it: certificates, tokens, token files and exec
// plugins. https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/

import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { parse } from "yaml";
import { SlipwayError } from "../core/failure.ts";
import type { Clock } from "../lib/clock.ts";
import { type ClusterAccess, keepAliveAgent, remembered } from "./cluster-access.ts";

export interface KubeconfigOptions {
  /** Files as in `KUBECONFIG`: the first that names a thing wins. */
  files: string[];
  /** Instead of `current-context`. */
  context?: string;
  /** Environment of exec plugins. */
  env: NodeJS.ProcessEnv;
  clock: Clock;
}

interface Named<K extends string, T> {
  entries: (Record<K, T> & { name: string; directory: string })[];
}

interface Cluster {
  server?: string;
  "certificate-authority"?: string;
  "certificate-authority-data"?: string;
  "insecure-skip-tls-verify"?: boolean;
  "tls-server-name"?: string;
  "proxy-url"?: string;
}

interface Exec {
  apiVersion: string;
  command: string;
  args?: string[] | null;
  env?: { name: string; value: string }[] | null;
  installHint?: string;
  provideClusterInfo?: boolean;
}

interface User {
  "client-certificate"?: string;
  "client-certificate-data"?: string;
  "client-key"?: string;
  "client-key-data"?: string;
  token?: string;
  tokenFile?: string;
  username?: string;
  password?: string;
  exec?: Exec;
}

interface Context {
  cluster: string;
  user: string;
  namespace?: string;
}

interface Merged {
  current?: string;
  clusters: Named<"cluster", Cluster>;
  users: Named<"user", User>;
  contexts: Named<"context", Context>;
}

const execMs = 60_000;
const tokenMs = 60_000;
const run = promisify(execFile);

/** Throws SlipwayError `kubeconfig` for what is missing or cannot be used, with its name. */
export async function accessFromKubeconfig(options: KubeconfigOptions): Promise<ClusterAccess> {
  const config = await readAll(options.files);
  const name = options.context ?? config.current;
  if (name === undefined || name === "") throw wrong("no context is chosen", "name one with --context");
  const { context } = find(config.contexts, "context", name);
  const { cluster, directory } = find(config.clusters, "cluster", context.cluster);
  const { user, directory: userDirectory } = find(config.users, "user", context.user);
  if (cluster.server === undefined) throw wrong(`cluster "${context.cluster}" has no server`);
  if (cluster["proxy-url"] !== undefined) {
    throw wrong(`cluster "${context.cluster}" asks for a proxy (proxy-url), which is not supported`);
  }
  const credentials = user.exec === undefined ? undefined : await execCredentials(user.exec, options.env);
  const [ca, cert, key] = await Promise.all([
    bytesOf(cluster, "certificate-authority", directory),
    bytesOf(user, "client-certificate", userDirectory),
    bytesOf(user, "client-key", userDirectory),
  ]);
  const agent = keepAliveAgent({
    ...(ca === undefined ? {} : { ca }),
    ...certificateOf(cert, key, credentials),
    ...(cluster["insecure-skip-tls-verify"] === true ? { rejectUnauthorized: false } : {}),
    ...(cluster["tls-server-name"] === undefined ? {} : { servername: cluster["tls-server-name"] }),
  });
  return {
    server: cluster.server.replace(/\/+$/, ""),
    agent,
    ...(context.namespace === undefined ? {} : { namespace: context.namespace }),
    authorization: authorizationOf(user, userDirectory, credentials, options),
    [Symbol.dispose]: () => agent.destroy(),
  };
}

async function readAll(files: string[]): Promise<Merged> {
  const merged: Merged = { clusters: { entries: [] }, users: { entries: [] }, contexts: { entries: [] } };
  let found = false;
  for (const file of files) {
    const text = await readFile(file, "utf8").catch(() => undefined);
    if (text === undefined) continue;
    found = true;
    let config: Record<string, unknown>;
    try {
      config = parse(text) as Record<string, unknown>;
    } catch (cause) {
      throw new SlipwayError("kubeconfig", `${file} is no YAML`, { cause });
    }
    const directory = path.dirname(path.resolve(file));
    const current = config["current-context"];
    if (typeof current === "string" && current !== "") merged.current ??= current;
    for (const kind of ["clusters", "users", "contexts"] as const) {
      const entries = Array.isArray(config[kind]) ? (config[kind] as { name: string }[]) : [];
      for (const entry of entries) merged[kind].entries.push({ ...entry, directory } as never);
    }
  }
  if (!found) {
    throw wrong(
      `none of ${files.join(", ")} can be read`,
      "name a kubeconfig with KUBECONFIG or --kubeconfig",
    );
  }
  return merged;
}

function find<K extends string, T>({ entries }: Named<K, T>, kind: K, name: string) {
  const entry = entries.find(each => each.name === name);
  if (entry === undefined) {
    throw wrong(
      `there is no ${kind} "${name}"`,
      `there are: ${entries.map(each => each.name).join(", ") || "none"}`,
    );
  }
  return entry;
}

/** Either inline (base64) or a file, relative to the kubeconfig that names it. */
async function bytesOf<T extends Cluster | User>(
  from: T,
  field: "certificate-authority" | "client-certificate" | "client-key",
  directory: string,
): Promise<Buffer | undefined> {
  const fields = from as Record<string, string | undefined>;
  const data = fields[`${field}-data`];
  if (data !== undefined && data !== "") return Buffer.from(data, "base64");
  const file = fields[field];
  if (file === undefined || file === "") return undefined;
  try {
    return await readFile(path.resolve(directory, file));
  } catch (cause) {
    throw new SlipwayError("kubeconfig", `${field} ${file} cannot be read`, { cause });
  }
}

interface ExecStatus {
  token?: string;
  clientCertificateData?: string;
  clientKeyData?: string;
  expirationTimestamp?: string;
}

/** https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins */
async function execCredentials(exec: Exec, env: NodeJS.ProcessEnv): Promise<ExecStatus> {
  const info = { apiVersion: exec.apiVersion, kind: "ExecCredential", spec: { interactive: false } };
  const more = Object.fromEntries((exec.env ?? []).map(({ name, value }) => [name, value]));
  try {
    const { stdout } = await run(exec.command, exec.args ?? [], {
      env: { ...env, ...more, KUBERNETES_EXEC_INFO: JSON.stringify(info) },
      timeout: execMs,
      maxBuffer: 2 ** 20,
    });
    const { status } = JSON.parse(stdout) as { status?: ExecStatus };
    if (status === undefined) throw new Error("it answered without a status");
    return status;
  } catch (cause) {
    const hint = exec.installHint === undefined ? {} : { hint: exec.installHint };
    throw new SlipwayError("kubeconfig", `the credential plugin ${exec.command} failed`, { cause, ...hint });
  }
}

function certificateOf(cert: Buffer | undefined, key: Buffer | undefined, exec: ExecStatus | undefined) {
  const [ownCert, ownKey] = [exec?.clientCertificateData ?? cert, exec?.clientKeyData ?? key];
  return ownCert === undefined || ownKey === undefined ? {} : { cert: ownCert, key: ownKey };
}

function authorizationOf(
  user: User,
  directory: string,
  credentials: ExecStatus | undefined,
  { env, clock }: KubeconfigOptions,
): () => Promise<string | undefined> {
  const { exec, token, tokenFile, username, password } = user;
  if (exec !== undefined) {
    let held = credentials;
    return async () => {
      const until =
        held?.expirationTimestamp === undefined
          ? Number.POSITIVE_INFINITY
          : Date.parse(held.expirationTimestamp);
      // Asked again a little before it runs out.
      if (clock.now() > until - 10_000) held = await execCredentials(exec, env);
      return held?.token === undefined ? undefined : `Bearer ${held.token}`;
    };
  }
  if (tokenFile !== undefined) {
    const read = async () => `Bearer ${(await readFile(path.resolve(directory, tokenFile), "utf8")).trim()}`;
    return remembered(read, tokenMs, clock);
  }
  if (token !== undefined) return async () => `Bearer ${token}`;
  if (username !== undefined) {
    const basic = Buffer.from(`${username}:${password ?? ""}`).toString("base64");
    return async () => `Basic ${basic}`;
  }
  return async () => undefined;
}

function wrong(what: string, hint?: string): SlipwayError {
  return new SlipwayError("kubeconfig", `kubeconfig: ${what}`, hint === undefined ? {} : { hint });
}
