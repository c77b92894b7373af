// A root file system of Debian packages, made with the apt and dpkg of this machine from the archive that it uses
// itself. Packages are only unpacked, never configured and never installed on this machine.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import path from "node:path";

/**
 * Packs the packages and all they depend on into a tar file.
 *
 * @param packages Names as apt knows them; priority does not bring any in: name the shell too.
 * @param work An empty directory; the tar and everything on the way to it lie there.
 * @param change Changes the tree before it is packed.
 * @param architecture As Debian names it; that of this machine unless told. Nothing of the packages is run.
 * @returns The path of the tar.
 */
export async function debianLayer(
  packages: string[],
  work: string,
  change: (root: string) => Promise<void>,
  architecture?: string,
): Promise<string> {
  const archives = await download(packages, work, architecture);
  const root = path.join(work, "root");
  // Since 2023 the old directories are links; packages unpacked by hand must find them so.
  for (const name of ["bin", "sbin", "lib", "lib64"]) {
    await mkdir(path.join(root, "usr", name), { recursive: true });
    await symlink(`usr/${name}`, path.join(root, name));
  }
  const files = (await readdir(archives)).filter(name => name.endsWith(".deb"));
  await run("sh", ["-c", unpackAll, "sh", root, ...files], archives);
  await change(root);
  return await packTree(root, path.join(work, "debian.tar"));
}

/** Packs a directory, owned by root, as a layer. */
export async function packTree(root: string, tar: string): Promise<string> {
  const owner = ["--owner=0", "--group=0", "--numeric-owner"];
  // The same tree gives the same bytes, whenever it was written.
  const time = ["--mtime=@0", "--format=gnu"];
  await run("tar", ["-c", "-f", tar, "--sort=name", ...time, ...owner, "-C", root, "."], root);
  return tar;
}

// Several at once, since each is a few processes that wait for each other. What nobody reads in a test stays out.
const unpackAll = `
export root=$1
shift
printf '%s\\n' "$@" | xargs -P 4 -n 8 sh -euc '
  for file do
    dpkg-deb --fsys-tarfile "$file" | tar -x -k --keep-directory-symlink -C "$root" \\
      --exclude=./usr/share/doc --exclude=./usr/share/man --exclude=./usr/share/locale --exclude=./usr/share/info
  done' sh
`;

/** Fetches the closure of the packages, as for a machine on which nothing is installed. */
async function download(packages: string[], work: string, architecture: string | undefined): Promise<string> {
  const archives = path.join(work, "archives");
  await mkdir(path.join(archives, "partial"), { recursive: true });
  await writeFile(path.join(work, "status"), "");
  const options = [
    `Dir::State::status=${path.join(work, "status")}`,
    `Dir::Cache::archives=${archives}`,
    "Debug::NoLocking=1",
    "APT::Install-Recommends=0",
    "APT::Sandbox::User=",
    "Acquire::Retries=3",
    ...(architecture === undefined
      ? []
      : [`APT::Architecture=${architecture}`, `APT::Architectures::=${architecture}`]),
  ];
  const apt = (more: string[], command: string[]) =>
    run("apt-get", ["-q", "-y", ...[...options, ...more].flatMap(each => ["-o", each]), ...command], work);
  const install = ["install", "--download-only", ...packages];
  try {
    await apt([], install);
  } catch (error) {
    // The machine's lists may be missing or old; they are not ours to renew.
    const lists = path.join(work, "lists");
    if (!existsSync("/etc/apt")) throw error;
    await mkdir(path.join(lists, "partial"), { recursive: true });
    await apt([`Dir::State::lists=${lists}`], ["update"]);
    await apt([`Dir::State::lists=${lists}`], install);
  }
  return archives;
}

/** Throws with the last lines of what the command said. */
async function run(command: string, args: string[], cwd: string): Promise<void> {
  const child = spawn(command, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", text => {
      said = (said + text).slice(-4_000);
    });
  }
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(`${command} ${args.slice(0, 3).join(" ")} ended with ${code}:\n${said}`);
}
