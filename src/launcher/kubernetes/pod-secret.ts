// What of a job is secret and Kubernetes has to know all the same: credentials of images, values of a container's environment.
// All of it goes into one Secret that is made and deleted with the Pod; of the Pod's spec none of it is a part. Pure.

import type { EnvVar, Secret } from "kubernetes-types/core/v1.js";
import { type ImageReference, parseImageReference, repositoryOf } from "../../core/image-reference.ts";
import type { LaunchContainer, LaunchContainers } from "../../queue/queue.ts";

const configKey = ".dockerconfigjson";

/** The Secret's data by key; undefined where nothing is secret. `named`: the container's name. */
export function secretOf(
  containers: LaunchContainers,
  named: (container: LaunchContainer) => string,
  metadata: NonNullable<Secret["metadata"]>,
): Secret | undefined {
  const all = [containers.box, ...containers.services];
  const data: Record<string, string> = {};
  for (const container of all) {
    for (const { name, value, secret } of container.env)
      if (secret) data[secretKey(named(container), name)] = base64(value);
  }
  const credentials = all.filter(({ credentials }) => credentials !== undefined);
  if (credentials.length > 0) data[configKey] = base64(JSON.stringify(dockerConfig(credentials)));
  if (Object.keys(data).length === 0) return undefined;
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata,
    type: credentials.length > 0 ? "kubernetes.io/dockerconfigjson" : "Opaque",
    immutable: true,
    data,
  };
}

/** A container's environment. `$` is doubled, for the kubelet replaces `$(NAME)`; in what comes of a Secret it does not. */
export function environmentOf(
  { env }: Pick<LaunchContainer, "env">,
  container: string,
  secretName: string,
): EnvVar[] {
  return env.map(({ name, value, secret }) =>
    secret
      ? { name, valueFrom: { secretKeyRef: { name: secretName, key: secretKey(container, name) } } }
      : { name, value: doubled(value) },
  );
}

/** A text that the kubelet gives to the container as it stands here. */
export function doubled(text: string): string {
  if (!text.includes("$")) return text;
  if (text.length < longText) return text.replaceAll("$", "$$$$");
  if (lastLong?.text !== text) lastLong = { text, doubled: text.replaceAll("$", "$$$$") };
  return lastLong.doubled;
}

/** The script of the box's supervisor is as long, and the same in every Pod. */
const longText = 2048;
let lastLong: { text: string; doubled: string } | undefined;

function secretKey(container: string, name: string): string {
  return `${container}.${name}`;
}

/**
 * As `docker login` writes it. A registry stands there by its address; where two images of one registry come with different
 * credentials, each by its repository, of which the kubelet takes the longest that fits.
 */
function dockerConfig(containers: readonly LaunchContainer[]): { auths: Record<string, object> } {
  const auths: Record<string, object> = {};
  for (const { image, credentials } of containers) {
    const { username, password, server } = credentials!;
    const entry = { username, password, auth: base64(`${username}:${password}`) };
    const others = containers.filter(each => each.credentials?.server === server);
    const alike = others.every(
      each => each.credentials?.username === username && each.credentials.password === password,
    );
    auths[alike ? server : repository(image, server)] ??= entry;
  }
  return { auths };
}

function repository(image: string, server: string): string {
  const reference = parseImageReference(image) as { ok: boolean; value?: ImageReference };
  return reference.value === undefined ? server : repositoryOf(reference.value);
}

function base64(text: string): string {
  return Buffer.from(text, "utf8").toString("base64");
}
