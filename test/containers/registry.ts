// An image registry of the tests' own: the real one, on a port of 127.0.0.1 that is free, with its blobs below a
// temporary directory.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Secret } from "../../src/core/secret.ts";
import type { RegistryCredentials } from "../../src/engine/engine.ts";

export interface TestRegistry extends AsyncDisposable {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** Of its one user; wanted only where the registry was started with `auth`. */
  readonly credentials: RegistryCredentials;
}

const user = "tester";
const password = "open-sesame";
/** The password as `htpasswd -B` writes it. */
const passwordHash = "$2b$04$8Bztc5j3o4rVtdSj9f6YEeRe0SUQz6RhCeCF8plJoUeB1nMi0fNNe";

/** Starts a registry. With `auth` it answers only those who give its credentials. */
export async function startRegistry(options: { auth: boolean }): Promise<TestRegistry> {
  const home = mkdtempSync(join(tmpdir(), "slipway-registry-"));
  writeFileSync(join(home, "htpasswd"), `${user}:${passwordHash}\n`);
  const auth = `auth: {htpasswd: {realm: test, path: ${join(home, "htpasswd")}}}\n`;
  writeFileSync(
    join(home, "config.yml"),
    "version: 0.1\n" +
      `storage: {filesystem: {rootdirectory: ${join(home, "blobs")}}, delete: {enabled: true}}\n` +
      "http: {addr: 127.0.0.1:0}\n" +
      (options.auth ? auth : ""),
  );
  const child = spawn("docker-registry", ["serve", join(home, "config.yml")], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  // It lives through many tests: none of them has left it behind.
  child.unref();
  const stop = async () => {
    await end(child);
    rmSync(home, { recursive: true, force: true });
  };
  try {
    const host = await listening(child);
    const credentials = { username: user, password: new Secret(password), server: host };
    return { host, credentials, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The address it says that it listens on. Its output is read on, so that it is never held back. */
function listening(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = "";
    const hear = (text: string) => {
      if (said.length < 100_000) said += text;
      const address = /listening on (127\.0\.0\.1:\d+)/.exec(said)?.[1];
      if (address !== undefined) resolve(address);
    };
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", hear);
      (stream as { unref?: () => void } | null)?.unref?.();
    }
    child.once("error", reject);
    child.once("exit", () => reject(new Error(`the registry ended at once: ${said.slice(-2_000)}`)));
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  child.ref();
  const ended = new Promise(resolve => child.once("exit", resolve));
  child.kill("SIGTERM");
  const late = setTimeout(() => child.kill("SIGKILL"), 5_000);
  await ended;
  clearTimeout(late);
}
