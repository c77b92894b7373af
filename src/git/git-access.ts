// How git reaches one repository: protocol, credential, certificates, host keys. The credential lies in private files for
// as long as the access is open; it is in no argument, no environment and no configuration, and goes to no other host.

import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { accept, type Result, SlipwayError } from "../core/failure.ts";
import { fsFailure } from "../lib/fs-failure.ts";
import { type GitOptions, type GitOutput, runGit } from "./git-process.ts";
import { parseRepository, type RepositoryAddress } from "./repository-address.ts";

export type GitCredential =
  | { kind: "password"; username: string; password: string }
  | { kind: "ssh-key"; privateKey: string };

export interface GitAccessOptions {
  repository: string;
  credential?: GitCredential;
  /** File with certificates that are trusted beside the usual ones. */
  caFile?: string;
  /**
   * Known keys of ssh hosts. `strict`: only those; otherwise the key of a host that is not known is taken, and noted in
   * the file where there is one.
   */
  hostKeys?: { file?: string; strict: boolean };
  /** PATH and the proxy variables are taken of it, nothing else. */
  environment: Readonly<Record<string, string | undefined>>;
  /** Repositories on this machine. */
  allowFile?: boolean;
  /** Existing, private: where the access keeps its files. */
  directory: string;
}

export interface GitAccess extends AsyncDisposable {
  readonly address: RepositoryAddress;
  /**
   * `mostAnswers`: how often the credential is given then. git asks once a process; git-lfs asks for ever where it is wrong.
   */
  run(
    args: readonly string[],
    options: Omit<GitOptions, "env"> & { mostAnswers?: number },
  ): Promise<GitOutput>;
}

const proxies = ["http_proxy", "https_proxy", "no_proxy", "all_proxy"].flatMap(name => [
  name,
  name.toUpperCase(),
]);
const systemCertificates = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"];

/** Refuses an address that git shall not see. Throws SlipwayError where the disk fails. */
export async function openGitAccess(options: GitAccessOptions): Promise<Result<GitAccess>> {
  const address = parseRepository(options.repository, options.allowFile === true);
  if (!address.ok) return address;
  const place = await mkdtemp(path.join(options.directory, "git-")).catch((error: unknown) => {
    throw fsFailure("make a directory in", options.directory, error);
  });
  try {
    const env = await environmentOf(options, address.value, place);
    return accept({
      address: address.value,
      run: (args, { mostAnswers, ...wanted }) =>
        runGit(args, {
          ...wanted,
          env: mostAnswers === undefined ? env : { ...env, SLIPWAY_MOST_ANSWERS: String(mostAnswers) },
        }),
      [Symbol.asyncDispose]: () => rm(place, { recursive: true, force: true }),
    });
  } catch (error) {
    await rm(place, { recursive: true, force: true });
    throw error;
  }
}

async function environmentOf(
  options: GitAccessOptions,
  address: RepositoryAddress,
  place: string,
): Promise<Record<string, string>> {
  const { environment, credential, caFile } = options;
  const home = path.join(place, "home");
  await mkdir(home, { mode: 0o700 });
  const env: Record<string, string> = { PATH: environment.PATH ?? "/usr/local/bin:/usr/bin:/bin" };
  for (const name of proxies) {
    const value = environment[name];
    if (value !== undefined) env[name] = value;
  }
  Object.assign(env, {
    LC_ALL: "C",
    HOME: home,
    XDG_CONFIG_HOME: home,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_ATTR_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    GIT_ASKPASS: "false",
    SSH_ASKPASS: "false",
    GIT_ALLOW_PROTOCOL: address.protocols,
    GIT_OPTIONAL_LOCKS: "0",
    GIT_LFS_SKIP_SMUDGE: "1",
    GIT_HTTP_LOW_SPEED_LIMIT: "100",
    GIT_HTTP_LOW_SPEED_TIME: "60",
    GIT_SSH_VARIANT: "ssh",
    GIT_SSH_COMMAND: await sshCommand(options, place),
  });
  if (credential?.kind === "password") env.GIT_ASKPASS = await askPass(credential, address, place);
  if (caFile !== undefined) env.GIT_SSL_CAINFO = await certificates(caFile, place);
  return env;
}

/** A program that answers git's questions for this host, and for no other that it is led to. */
async function askPass(
  { username, password }: { username: string; password: string },
  { host }: RepositoryAddress,
  place: string,
): Promise<string> {
  const file = path.join(place, "ask");
  await writePrivate(path.join(place, "username"), username);
  await writePrivate(path.join(place, "password"), password);
  const script = [
    "#!/bin/sh",
    `case "$1" in *"://${host}'"*|*"@${host}'"*) ;; *) exit 1 ;; esac`,
    `if [ -n "$SLIPWAY_MOST_ANSWERS" ]; then`,
    `  echo >> ${quoted(path.join(place, "answers"))}`,
    `  [ "$(wc -l < ${quoted(path.join(place, "answers"))})" -le "$SLIPWAY_MOST_ANSWERS" ] || exit 1`,
    "fi",
    'case "$1" in',
    `  Username*) exec cat ${quoted(path.join(place, "username"))} ;;`,
    `  Password*) exec cat ${quoted(path.join(place, "password"))} ;;`,
    "esac",
    "exit 1",
  ];
  await writePrivate(file, `${script.join("\n")}\n`);
  await chmod(file, 0o700);
  return file;
}

async function sshCommand({ credential, hostKeys }: GitAccessOptions, place: string): Promise<string> {
  const known = hostKeys?.file ?? path.join(place, "known_hosts");
  const words = [
    "ssh",
    ...["-F", "/dev/null"],
    ...["BatchMode=yes", "ConnectTimeout=20", "ServerAliveInterval=15", "ServerAliveCountMax=4"].flatMap(
      option,
    ),
    ...option(`StrictHostKeyChecking=${hostKeys?.strict === true ? "yes" : "accept-new"}`),
    ...option(`UserKnownHostsFile=${known}`),
    ...option("IdentitiesOnly=yes"),
    ...option("IdentityAgent=none"),
  ];
  if (credential?.kind === "ssh-key") {
    const key = path.join(place, "key");
    // Without the newline at its end a key is no key.
    await writePrivate(key, `${credential.privateKey.replaceAll("\r\n", "\n").trimEnd()}\n`);
    words.push("-i", key);
  } else {
    words.push("-i", "/dev/null");
  }
  return words.map(quoted).join(" ");
}

function option(text: string): string[] {
  return ["-o", text];
}

/** All certificates in one file, as git wants them. */
async function certificates(caFile: string, place: string): Promise<string> {
  const file = path.join(place, "certificates.pem");
  const own = await readFile(caFile, "utf8").catch((cause: unknown) => {
    throw new SlipwayError("ca-file", `the file with certificates ${caFile} cannot be read`, { cause });
  });
  const usual = await Promise.any(systemCertificates.map(name => readFile(name, "utf8"))).catch(async () => {
    const { rootCertificates } = await import("node:tls");
    return rootCertificates.join("\n");
  });
  await writePrivate(file, `${usual}\n${own}\n`);
  return file;
}

async function writePrivate(file: string, text: string): Promise<void> {
  await writeFile(file, text, { mode: 0o600, flag: "wx" }).catch((error: unknown) => {
    throw fsFailure("write", file, error);
  });
}

/** A word of a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
