// Container images as archives of the form that `docker load` takes, made from files at hand: no registry is asked.

import { createHash } from "node:crypto";
import { type Pack, pack } from "tar-stream";

/** A file, directory (`name` ends with a slash) or link of an image. */
export interface ImageFile {
  name: string;
  mode?: number;
  uid?: number;
  gid?: number;
  content?: Uint8Array | string;
  link?: string;
}

/** What an image says of itself, in the words of the image format. */
export interface ImageConfig {
  User?: string;
  Env?: string[];
  Entrypoint?: string[];
  Cmd?: string[];
  ExposedPorts?: Record<string, Record<string, never>>;
  Labels?: Record<string, string>;
  WorkingDir?: string;
}

/** One image of one layer as a `docker load` archive. The same input gives the same bytes. */
export async function imageArchive(name: string, files: ImageFile[], config: ImageConfig): Promise<Buffer> {
  const layer = await tarOf(files);
  const architecture = process.arch === "x64" ? "amd64" : process.arch;
  const description = JSON.stringify({
    architecture,
    os: "linux",
    created: "2020-01-01T00:00:00Z",
    config,
    rootfs: { type: "layers", diff_ids: [`sha256:${sha256(layer)}`] },
    history: [{ created: "2020-01-01T00:00:00Z", created_by: "slipway test" }],
  });
  const id = sha256(description);
  const manifest = [{ Config: `${id}.json`, RepoTags: [name], Layers: [`${id}/layer.tar`] }];
  return await tarOf([
    { name: `${id}.json`, content: description },
    { name: `${id}/` },
    { name: `${id}/layer.tar`, content: layer },
    { name: "manifest.json", content: JSON.stringify(manifest) },
  ]);
}

export function sha256(content: Uint8Array | string): string {
  return createHash("sha256").update(content).digest("hex");
}

/** The files as a tar. */
export async function tarOf(files: ImageFile[]): Promise<Buffer> {
  const archive = pack();
  for (const file of files) add(archive, file);
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function add(archive: Pack, file: ImageFile): void {
  const { name, uid = 0, gid = 0 } = file;
  const header = { name, uid, gid, mtime: new Date(1_577_836_800_000) };
  if (file.link !== undefined) archive.entry({ ...header, type: "symlink", linkname: file.link });
  else if (name.endsWith("/")) archive.entry({ ...header, type: "directory", mode: file.mode ?? 0o755 });
  else archive.entry({ ...header, mode: file.mode ?? 0o644 }, Buffer.from(file.content ?? ""));
}
