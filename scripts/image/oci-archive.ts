// Layers and a configuration as one OCI archive (image-spec v1.1, image-layout.md), which `docker load`, `podman load`,
// `ctr images import` and `skopeo copy oci-archive:` read. The same layers give the same bytes.

import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, rename, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { packTree } from "./debian-layer.ts";

export interface ImageConfig {
  User: string;
  Env: string[];
  Entrypoint: string[];
  Cmd: string[];
  WorkingDir: string;
  Labels: Record<string, string>;
}

export interface ImageParts {
  /** Tar files, lowest first, each with a word for what it holds. */
  layers: { tar: string; what: string }[];
  config: ImageConfig;
  /** As OCI names it: `amd64`, `arm64`. */
  architecture: string;
  /** `name:tag` under which it is loaded. */
  reference: string;
  /** ISO 8601. */
  created: string;
}

export interface ImageSize {
  what: string;
  /** Packed and unpacked. */
  bytes: number;
  unpackedBytes: number;
}

interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
}

/** Writes the archive to `file`; `work` is an empty directory. Answers what each layer weighs. */
export async function writeOciArchive(parts: ImageParts, work: string, file: string): Promise<ImageSize[]> {
  const tree = path.join(work, "oci");
  const blobs = path.join(tree, "blobs", "sha256");
  await mkdir(blobs, { recursive: true });
  const layers = await Promise.all(parts.layers.map(({ tar }) => packLayer(tar, blobs)));
  const history = parts.layers.map(({ what }) => ({ created: parts.created, created_by: what }));
  const config = await writeBlob(blobs, "application/vnd.oci.image.config.v1+json", {
    ...{ architecture: parts.architecture, os: "linux", created: parts.created, config: parts.config },
    rootfs: { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) },
    history,
  });
  const manifestType = "application/vnd.oci.image.manifest.v1+json";
  const manifest = await writeBlob(blobs, manifestType, {
    ...{ schemaVersion: 2, mediaType: manifestType, config },
    layers: layers.map(({ descriptor }) => descriptor),
  });
  const annotations = {
    "org.opencontainers.image.ref.name": parts.reference.split(":").at(-1),
    "io.containerd.image.name": fullName(parts.reference),
  };
  await writeJson(path.join(tree, "oci-layout"), { imageLayoutVersion: "1.0.0" });
  await writeJson(path.join(tree, "index.json"), {
    schemaVersion: 2,
    manifests: [{ ...manifest, platform: { architecture: parts.architecture, os: "linux" }, annotations }],
  });
  // Docker before 25 reads only this.
  await writeJson(path.join(tree, "manifest.json"), [
    {
      Config: blobPath(config),
      RepoTags: [parts.reference],
      Layers: layers.map(({ descriptor }) => blobPath(descriptor)),
    },
  ]);
  await packTree(tree, file);
  return Promise.all(
    layers.map(async ({ descriptor }, index) => ({
      what: parts.layers[index]!.what,
      bytes: descriptor.size,
      unpackedBytes: (await stat(parts.layers[index]!.tar)).size,
    })),
  );
}

async function packLayer(tar: string, blobs: string): Promise<{ descriptor: Descriptor; diffId: string }> {
  const plain = createHash("sha256");
  const packed = createHash("sha256");
  const beside = path.join(blobs, `.${path.basename(tar)}`);
  let size = 0;
  await pipeline(
    createReadStream(tar),
    passing(chunk => void plain.update(chunk)),
    // Node writes no time into the header.
    createGzip({ level: 6 }),
    passing(chunk => {
      packed.update(chunk);
      size += chunk.length;
    }),
    createWriteStream(beside),
  );
  const hex = packed.digest("hex");
  await rename(beside, path.join(blobs, hex));
  const mediaType = "application/vnd.oci.image.layer.v1.tar+gzip";
  return {
    descriptor: { mediaType, digest: `sha256:${hex}`, size },
    diffId: `sha256:${plain.digest("hex")}`,
  };
}

function passing(see: (chunk: Buffer) => void): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      see(chunk);
      done(null, chunk);
    },
  });
}

async function writeBlob(blobs: string, mediaType: string, value: unknown): Promise<Descriptor> {
  const text = JSON.stringify(value);
  const hex = createHash("sha256").update(text).digest("hex");
  await writeFile(path.join(blobs, hex), text);
  return { mediaType, digest: `sha256:${hex}`, size: Buffer.byteLength(text) };
}

async function writeJson(file: string, value: unknown): Promise<void> {
  await writeFile(file, JSON.stringify(value));
}

function blobPath({ digest }: Descriptor): string {
  return `blobs/${digest.replace(":", "/")}`;
}

/** containerd wants the registry too, Docker leaves it out for its own. */
function fullName(reference: string): string {
  const [first = "", ...rest] = reference.split("/");
  if (rest.length > 0 && /[.:]|^localhost$/.test(first)) return reference;
  return `docker.io/${rest.length === 0 ? "library/" : ""}${reference}`;
}
