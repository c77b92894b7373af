// What applying would change: each object as it is, and as the API server says that it would be (a dry run, so that defaults and
// what others manage are not taken for changes).

import { stringify } from "yaml";
import type { KubernetesApi } from "../../kubernetes/kubernetes-api.ts";
import { type KubernetesObject, platformObjects } from "../objects/platform-objects.ts";
import type { Values } from "../values.ts";
import { fieldManager, readInventory } from "./apply-objects.ts";
import { clusterRefused } from "./cluster-refused.ts";
import { lineDiff } from "./line-diff.ts";
import { identityOf, kinds, pathOf, textOf } from "./resource-path.ts";

export interface ObjectDiff {
  object: string;
  change: "made" | "changed" | "removed";
  lines: string[];
}

/** Changes nothing. Objects that stay as they are have no entry. */
export async function diffInstallation(
  api: KubernetesApi,
  values: Values,
  force: boolean,
): Promise<ObjectDiff[]> {
  const diffs: ObjectDiff[] = [];
  const objects = platformObjects(values);
  for (const object of objects) {
    const diff = await diffOf(api, object, force);
    if (diff !== undefined) diffs.push(diff);
  }
  const wanted = new Set(objects.map(identityOf).map(textOf));
  for (const identity of await readInventory(api, values)) {
    if (wanted.has(textOf(identity)) || kinds[identity.kind]?.kept === true) continue;
    diffs.push({ object: textOf(identity), change: "removed", lines: [] });
  }
  return diffs;
}

async function diffOf(
  api: KubernetesApi,
  object: KubernetesObject,
  force: boolean,
): Promise<ObjectDiff | undefined> {
  const identity = identityOf(object);
  const path = pathOf(identity);
  const found = await api.call<KubernetesObject>("GET", path);
  if (!found.ok && found.code !== 404)
    throw clusterRefused(`read ${textOf(identity)}`, found.code, found.status);
  if (!found.ok) return { object: textOf(identity), change: "made", lines: lineDiff("", shown(object)) };
  const query = { fieldManager, force: force || undefined, dryRun: "All" };
  const would = await api.call<KubernetesObject>("PATCH", path, {
    contentType: "application/apply-patch+yaml",
    query,
    body: object,
  });
  if (!would.ok) throw clusterRefused(`apply ${textOf(identity)}`, would.code, would.status);
  const lines = lineDiff(shown(found.body), shown(would.body));
  return lines.length === 0 ? undefined : { object: textOf(identity), change: "changed", lines };
}

/** Without what the server counts and notes. */
function shown(object: KubernetesObject): string {
  const { metadata = {}, ...rest } = object;
  const {
    managedFields: _,
    resourceVersion: _v,
    generation: _g,
    uid: _u,
    creationTimestamp: _c,
    ...told
  } = metadata;
  const { status: _s, ...spec } = rest as typeof rest & { status?: unknown };
  return stringify(
    { ...spec, metadata: told },
    { lineWidth: 0, sortMapEntries: true, aliasDuplicateObjects: false },
  );
}
