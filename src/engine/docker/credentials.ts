// Registry logins that the person has given to the Docker or Podman tools: plain in their files, or in a program that
// keeps them. Nothing is stored here, and nothing is printed.

import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { messageOf } from "../../core/failure.ts";
import { parseImageReference } from "../../core/image-reference.ts";
import type { FindLogin, RegistryLogin } from "./registry-auth.ts";

/** The parts of `config.json` and `auth.json` that are about logins. */
interface AuthFile {
  auths?: Record<string, AuthEntry | null>;
  credHelpers?: Record<string, string>;
  credsStore?: string;
}

interface AuthEntry {
  auth?: string;
  username?: string;
  password?: string;
  identitytoken?: string;
}

/** Under this key the tools keep Docker Hub's login. */
const hubKey = "https://index.docker.io/v1/";

export interface CredentialSettings {
  /** Asked in order: `~/.docker/config.json`, then Podman's `auth.json`. */
  files: string[];
  /** Told of a file or program that cannot be used; the image is then asked for without a login. */
  warn(message: string): void;
  /** Starts `docker-credential-NAME get` and gives what it prints. Injected for tests. */
  askHelper?: AskHelper;
}

export type AskHelper = (name: string, server: string) => Promise<string>;

/** Looks a login up whenever it is needed; files are read each time, since a person may sign in meanwhile. */
export function loginFinder(settings: CredentialSettings): FindLogin {
  return async image => {
    const reference = parseImageReference(image);
    if (!reference.ok) return undefined;
    const server = reference.value.domain === "docker.io" ? hubKey : reference.value.domain;
    for (const path of settings.files) {
      const file = await readAuthFile(path, settings);
      const login = file === undefined ? undefined : await loginIn(file, server, settings);
      if (login !== undefined) return login;
    }
    return undefined;
  };
}

async function readAuthFile(path: string, settings: CredentialSettings): Promise<AuthFile | undefined> {
  try {
    const parsed: unknown = JSON.parse(await readFile(path, "utf8"));
    return typeof parsed === "object" && parsed !== null ? parsed : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") {
      settings.warn(`${path} cannot be read for registry logins: ${messageOf(error)}`);
    }
    return undefined;
  }
}

async function loginIn(
  file: AuthFile,
  server: string,
  settings: CredentialSettings,
): Promise<RegistryLogin | undefined> {
  const helper = entryFor(file.credHelpers, server) ?? file.credsStore;
  if (typeof helper === "string" && helper !== "") {
    const login = await fromHelper(helper, server, settings);
    if (login !== undefined) return login;
  }
  const entry = entryFor(file.auths, server);
  return entry === undefined || entry === null ? undefined : fromEntry(entry, server);
}

/** Keys are hosts, or URLs of hosts. */
function entryFor<T>(entries: Record<string, T> | undefined, server: string): T | undefined {
  if (typeof entries !== "object" || entries === null) return undefined;
  if (Object.hasOwn(entries, server)) return entries[server];
  const host = hostOf(server);
  return Object.entries(entries).find(([key]) => hostOf(key) === host)?.[1];
}

function hostOf(server: string): string {
  const host = server.replace(/^https?:\/\//, "").split("/")[0] ?? "";
  return host === "docker.io" || host === "registry-1.docker.io" ? "index.docker.io" : host;
}

function fromEntry(entry: AuthEntry, server: string): RegistryLogin | undefined {
  if (typeof entry.identitytoken === "string" && entry.identitytoken !== "") {
    return { server, identityToken: entry.identitytoken };
  }
  const decoded = Buffer.from(typeof entry.auth === "string" ? entry.auth : "", "base64").toString("utf8");
  const colon = decoded.indexOf(":");
  if (colon > 0) {
    // Some tools fill the field up with zero bytes.
    const password = decoded.slice(colon + 1).replace(/\0+$/, "");
    return { server, username: decoded.slice(0, colon), password };
  }
  if (typeof entry.username !== "string" || entry.username === "") return undefined;
  return { server, username: entry.username, password: String(entry.password ?? "") };
}

async function fromHelper(
  name: string,
  server: string,
  settings: CredentialSettings,
): Promise<RegistryLogin | undefined> {
  if (!/^[A-Za-z0-9_.-]+$/.test(name)) {
    settings.warn(`"${name}" is not the name of a credential helper`);
    return undefined;
  }
  try {
    const printed = await (settings.askHelper ?? askHelper)(name, server);
    const { Username, Secret } = JSON.parse(printed) as { Username?: unknown; Secret?: unknown };
    if (typeof Username !== "string" || typeof Secret !== "string") return undefined;
    // So a helper marks a token that stands for user and password.
    if (Username === "<token>") return { server, identityToken: Secret };
    return { server, username: Username, password: Secret };
  } catch (error) {
    const text = messageOf(error);
    if (!/credentials not found/i.test(text)) {
      settings.warn(`docker-credential-${name} gave no login for ${server}: ${text}`);
    }
    return undefined;
  }
}

const helperLimitMs = 30_000;
const longestAnswer = 1024 * 1024;

/** What it prints is a secret: it goes into no message. */
const askHelper: AskHelper = (name, server) =>
  new Promise((resolve, reject) => {
    const child = spawn(`docker-credential-${name}`, ["get"], {
      stdio: ["pipe", "pipe", "pipe"],
      timeout: helperLimitMs,
    });
    let printed = "";
    let complained = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      if (printed.length < longestAnswer) printed += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      if (complained.length < 4_096) complained += text;
    });
    child.on("error", error => reject(new Error(messageOf(error))));
    child.on("close", code => {
      if (code === 0) resolve(printed);
      // Helpers tell on standard output that there is nothing; nothing else that they print is repeated.
      else if (/credentials not found/i.test(printed)) reject(new Error("credentials not found"));
      else reject(new Error(complained.trim() || `it ended with ${code}`));
    });
    child.stdin.on("error", () => {});
    child.stdin.end(server);
  });
