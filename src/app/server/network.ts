// How this process itself reaches others: certificates to trust beside the usual ones, and the proxy of the environment.

import { readFileSync } from "node:fs";
import http from "node:http";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { messageOf, SlipwayError } from "../../core/failure.ts";

export interface NetworkOptions {
  caFile: string | undefined;
  environment: Readonly<Record<string, string | undefined>>;
  /** Of our own: never through a proxy. */
  ownUrls: readonly (string | undefined)[];
}

/** For all of the process, before it connects anywhere. Throws SlipwayError `ca-file`. */
export function setUpNetwork({ caFile, environment, ownUrls }: NetworkOptions): void {
  if (caFile !== undefined) trust(caFile);
  const proxies = proxyOf(environment, ownUrls);
  if (proxies !== undefined) http.setGlobalProxyFromEnv(proxies);
}

function trust(caFile: string): void {
  try {
    const own = readFileSync(caFile, "utf8");
    if (!own.includes("-----BEGIN CERTIFICATE-----")) throw new Error("there is no certificate in it");
    setDefaultCACertificates([...getCACertificates("default"), own]);
  } catch (cause) {
    throw new SlipwayError("ca-file", `certificates cannot be read from ${caFile}: ${messageOf(cause)}`, {
      cause,
      hint: "name a file in PEM form: caFile, SLIPWAY_CA_FILE",
    });
  }
}

/** Undefined without a proxy. This machine and our own addresses are reached directly. */
export function proxyOf(
  environment: Readonly<Record<string, string | undefined>>,
  ownUrls: readonly (string | undefined)[],
): Record<string, string> | undefined {
  const told = (name: string) =>
    environment[name.toLowerCase()] || environment[name.toUpperCase()] || undefined;
  const [plain, secure] = [told("http_proxy"), told("https_proxy")];
  if (plain === undefined && secure === undefined) return undefined;
  const direct = [
    told("no_proxy"),
    "localhost",
    "127.0.0.1",
    "::1",
    ...ownUrls.filter(url => url !== undefined).map(url => new URL(url).hostname),
  ].filter(each => each !== undefined);
  return {
    ...(plain === undefined ? {} : { http_proxy: plain }),
    ...(secure === undefined ? {} : { https_proxy: secure }),
    no_proxy: [...new Set(direct)].join(","),
  };
}
