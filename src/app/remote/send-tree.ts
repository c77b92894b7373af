// Sends a working tree to a server as it is, uncommitted changes too: what a run on this machine would take, packed.

import { stat } from "node:fs/promises";
import path from "node:path";
import { Readable } from "node:stream";
import type { Client } from "../../client/client.ts";
import { compressed } from "../../remote/packed-archives.ts";
import { sourceDirectory } from "../../storage/local/source-directory.ts";

export interface TreeToSend {
  client: Client;
  project: { organisation: string; project: string };
  directory: string;
  /** Absolute; unless told, the usual ones of the directory. */
  ignoreFile?: string | undefined;
  signal: AbortSignal;
}

const ignoreFiles = [".slipwayignore", ".werckerignore"];
const workingDirectories = [".slipway", ".wercker"];

/** Answers the source's name, for `createRun`. Throws what the client throws. */
export async function sendTree(input: TreeToSend): Promise<string> {
  const { client, project, directory, signal } = input;
  const ignoreFile = input.ignoreFile ?? (await firstThere(directory, ignoreFiles));
  const tree = sourceDirectory({
    root: directory,
    skip: workingDirectories.map(name => path.join(directory, name)),
    ...(ignoreFile === undefined ? {} : { ignoreFile }),
  });
  // Whatever breaks the archive breaks the request, which tells.
  const packed = compressed(tree.pack("", { uid: 0, gid: 0 }, signal));
  const content = Readable.toWeb(Readable.from(packed, { objectMode: false })) as ReadableStream<Uint8Array>;
  const { source } = await client.send("sendSource", { params: project, content, signal });
  return source;
}

async function firstThere(directory: string, names: readonly string[]): Promise<string | undefined> {
  for (const name of names) {
    const file = path.join(directory, name);
    if (await stat(file).catch(() => undefined)) return file;
  }
  return undefined;
}
