// The daemon's image calls that both the start of a run and the image steps make.

import { unlessGone } from "./container-calls.ts";
import type { DaemonClient } from "./daemon-client.ts";
import { followProgress } from "./progress.ts";
import { type RegistryLogin, registryAuthHeader } from "./registry-auth.ts";

/** Repository and reference of an image name: the tag stands after the last slash only. */
export function splitImage(image: string): { repository: string; tag?: string; digest?: string } {
  const at = image.indexOf("@");
  const named = at < 0 ? image : image.slice(0, at);
  const digest = at < 0 ? {} : { digest: image.slice(at + 1) };
  const colon = named.lastIndexOf(":");
  if (colon <= named.lastIndexOf("/")) return { repository: named, ...digest };
  return { repository: named.slice(0, colon), tag: named.slice(colon + 1), ...digest };
}

/** The image's name as one segment of a path. */
export function imagePath(image: string): string {
  return image.split("/").map(encodeURIComponent).join("/");
}

/** Pulls one image. Throws what the daemon or the registry says; `imageRefusal` tells what it means. */
export async function pullImage(
  client: DaemonClient,
  image: string,
  login: RegistryLogin | undefined,
  tell: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const { repository, tag, digest } = splitImage(image);
  const answer = await client.open({
    method: "POST",
    path: "/images/create",
    query: { fromImage: repository, tag: digest ?? tag ?? "latest" },
    headers: registryAuthHeader(login),
    signal,
  });
  await followProgress(answer.body, tell);
}

export async function imageExists(client: DaemonClient, image: string): Promise<boolean> {
  return (
    (await unlessGone(client.call({ method: "GET", path: `/images/${imagePath(image)}/json` }))) !== undefined
  );
}
