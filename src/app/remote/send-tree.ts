// Sends a working tree to a server as it is, uncommitted changes too: what a run on this machine would take, packed.

import { randomBytes } from "node:crypto";
import { stat } from "node:fs/promises";
import path from "node:path";
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

/** As the server takes them; the endpoint's own number would load the schemas. */
const partBytes = 2 ** 20;
const ignoreFiles = [".slipwayignore", ".werckerignore"];
const workingDirectories = [".slipway", ".wercker"];

/** Answers the source's name, for `createRun`. Throws what the client throws. */
export async function sendTree(input: TreeToSend): Promise<string> {
  const { directory, signal } = input;
  const ignoreFile = input.ignoreFile ?? (await firstThere(directory, ignoreFiles));
  const tree = sourceDirectory({
    root: directory,
    skip: workingDirectories.map(name => path.join(directory, name)),
    ...(ignoreFile === undefined ? {} : { ignoreFile }),
  });
  // Whatever breaks the archive breaks the request, which tells.
  const packed = compressed(tree.pack("", { uid: 0, gid: 0 }, signal));
  return sendInParts(input, packed);
}

/** No body over what proxies let through that nobody has told otherwise; a small tree is one call. */
async function sendInParts(
  { client, project, signal }: TreeToSend,
  packed: AsyncIterable<Uint8Array>,
): Promise<string> {
  const upload = randomBytes(18).toString("base64url");
  let part = 0;
  let held: Uint8Array | undefined;
  for await (const piece of inParts(packed)) {
    if (held !== undefined) await sendPart(held);
    held = piece;
  }
  const last = held ?? new Uint8Array();
  if (part === 0)
    return (await client.send("sendSource", { params: project, content: streamOf(last), signal })).source;
  await sendPart(last);
  const params = { ...project, upload };
  return (await client.finishSource({ params, body: { parts: part }, signal })).source;

  async function sendPart(content: Uint8Array): Promise<void> {
    const params = { ...project, upload, part: String(part) };
    await client.send("sendSourcePart", { params, content: streamOf(content), signal });
    part++;
  }
}

async function* inParts(packed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  let bytes = 0;
  for await (let piece of packed) {
    while (bytes + piece.length >= partBytes) {
      const taken = partBytes - bytes;
      yield Buffer.concat([...held, piece.subarray(0, taken)]);
      piece = piece.subarray(taken);
      held = [];
      bytes = 0;
    }
    if (piece.length > 0) held.push(piece);
    bytes += piece.length;
  }
  if (bytes > 0) yield Buffer.concat(held);
}

function streamOf(content: Uint8Array): ReadableStream<Uint8Array> {
  return new Blob([content as Uint8Array<ArrayBuffer>]).stream();
}

async function firstThere(directory: string, names: readonly string[]): Promise<string | undefined> {
  for (const name of names) {
    const file = path.join(directory, name);
    if (await stat(file).catch(() => undefined)) return file;
  }
  return undefined;
}
