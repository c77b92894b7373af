// The volumes of a Pod as volumes of a Docker daemon: emptyDirs, and what ConfigMaps and Secrets put into files.

import type { Container, Pod, Volume } from "kubernetes-types/core/v1.js";
import { pack } from "tar-stream";
import { removeContainer } from "../../src/engine/docker/container-calls.ts";
import type { DaemonClient } from "../../src/engine/docker/daemon-client.ts";
import type { Mount, Sources } from "./container-body.ts";
import { quantityValue } from "./quantity.ts";

export interface PodVolumes {
  /** Docker's name of a Pod's volume. */
  names: Map<string, string>;
  /** Where the sandbox has them, to be opened for all and filled. */
  binds: string[];
}

const inSandbox = (volume: string) => `/volumes/${volume}`;

/** Made, not yet open to all: `openVolumes` does that once the sandbox runs. */
export async function createVolumes(
  client: DaemonClient,
  pod: Pod,
  labels: Record<string, string>,
): Promise<PodVolumes> {
  const names = new Map<string, string>();
  for (const volume of pod.spec?.volumes ?? []) {
    const name = `slipway-${pod.metadata?.uid}-${volume.name}`;
    const body = { Name: name, Labels: labels, ...driverOf(volume) };
    await client.call({ method: "POST", path: "/volumes/create", json: body });
    names.set(volume.name, name);
  }
  return { names, binds: [...names].map(([volume, name]) => `${name}:${inSandbox(volume)}`) };
}

function driverOf({ emptyDir, configMap, secret, projected }: Volume): object {
  const isMemory = emptyDir?.medium === "Memory" || (configMap ?? secret ?? projected) !== undefined;
  if (!isMemory) return {};
  const limit = emptyDir?.sizeLimit as string | undefined;
  const size = limit === undefined || limit === "0" ? "" : `,size=${Math.ceil(quantityValue(limit))}`;
  return { DriverOpts: { type: "tmpfs", device: "tmpfs", o: `mode=0777${size}` } };
}

/** Run by the sandbox before it waits. */
export const openVolumesScript = "for each in /volumes/*; do [ -d $each ] && chmod 777 $each; done";

/** Puts files into volumes of ConfigMaps and Secrets. False names what is not there yet. */
export async function fillVolumes(
  client: DaemonClient,
  pod: Pod,
  sandbox: string,
  sources: Sources,
): Promise<{ missing?: string }> {
  for (const volume of pod.spec?.volumes ?? []) {
    const source = volume.configMap ?? volume.secret;
    if (source === undefined) continue;
    const kind = volume.configMap === undefined ? "secret" : "configmap";
    const name = volume.configMap?.name ?? volume.secret?.secretName ?? "";
    const values = sources.values(kind, name);
    if (values === undefined) {
      if (source.optional === true) continue;
      return {
        missing: `MountVolume.SetUp failed for volume "${volume.name}" : ${kind} "${name}" not found`,
      };
    }
    const files = (source.items ?? Object.keys(values).map(key => ({ key, path: key }))).map(
      ({ key, path }) => ({
        path,
        content: values[key] ?? Buffer.alloc(0),
      }),
    );
    await putFiles(client, sandbox, inSandbox(volume.name), files, source.defaultMode ?? 0o644);
  }
  return {};
}

async function putFiles(
  client: DaemonClient,
  container: string,
  path: string,
  files: { path: string; content: Buffer }[],
  mode: number,
): Promise<void> {
  const archive = pack();
  for (const file of files) archive.entry({ name: file.path, mode }, file.content);
  archive.finalize();
  await client.call({
    method: "PUT",
    path: `/containers/${container}/archive`,
    query: { path },
    upload: archive as unknown as AsyncIterable<Uint8Array>,
  });
}

export function mountsOf({ names }: PodVolumes, container: Container): Mount[] {
  return (container.volumeMounts ?? []).map(({ name, mountPath, readOnly }) => ({
    source: names.get(name) ?? "",
    target: mountPath,
    readOnly: readOnly === true,
  }));
}

/** Everything with these labels: containers first, then volumes. May be repeated. */
export async function removeLabelled(client: DaemonClient, label: string): Promise<void> {
  const filters = JSON.stringify({ label: [label] });
  const signal = AbortSignal.timeout(60_000);
  const containers = await client.call<{ Id: string }[]>({
    method: "GET",
    path: "/containers/json",
    query: { all: true, filters },
  });
  await Promise.all(containers.map(({ Id }) => removeContainer(client, Id, signal)));
  const { Volumes } = await client.call<{ Volumes: { Name: string }[] | null }>({
    method: "GET",
    path: "/volumes",
    query: { filters },
  });
  for (const { Name } of Volumes ?? []) {
    await client.call({ method: "DELETE", path: `/volumes/${Name}`, query: { force: true } });
  }
  const networks = await client.call<{ Id: string }[]>({
    method: "GET",
    path: "/networks",
    query: { filters },
  });
  for (const { Id } of networks) await client.call({ method: "DELETE", path: `/networks/${Id}` });
}
