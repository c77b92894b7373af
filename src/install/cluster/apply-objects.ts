// Brings a cluster to the objects of the values: server-side apply with a field manager of our own, then what an earlier version
// or other values had and these do not is removed. What was applied is noted in an inventory beside the platform.

import type { ConfigMap } from "kubernetes-types/core/v1.js";
import { SlipwayError } from "../../core/failure.ts";
import type { KubernetesApi } from "../../kubernetes/kubernetes-api.ts";
import type { Clock } from "../../lib/clock.ts";
import { pauseOrThrow } from "../../lib/pause.ts";
import { installLabel, partLabels } from "../objects/labels.ts";
import { type KubernetesObject, platformObjects } from "../objects/platform-objects.ts";
import type { Values } from "../values.ts";
import { clusterRefused } from "./cluster-refused.ts";
import { ensureSecret, type RandomBytes } from "./generated-secrets.ts";
import { type Identity, identityOf, kinds, pathOf, textOf } from "./resource-path.ts";
import { removeStaleRoutes } from "./stale-routes.ts";

export const fieldManager = "slipway-install";
export const inventoryName = "slipway-inventory";

export interface ApplyOptions {
  api: KubernetesApi;
  values: Values;
  random: RandomBytes;
  clock: Clock;
  /** Takes fields over that somebody else manages. */
  force: boolean;
  say(text: string): void;
}

/** May be repeated, and cut off anywhere. Throws SlipwayError `cluster-refused`, `cluster-unreachable`. */
export async function applyInstallation(options: ApplyOptions): Promise<void> {
  const { api, values, random, say } = options;
  const objects = platformObjects(values);
  const before = await readInventory(api, values);
  for (const object of objects.filter(({ kind }) => kind === "Namespace")) await applyObject(options, object);
  // Written down before it is made, so that nothing is forgotten where this is cut off.
  const now = objects.map(identityOf);
  await writeInventory(api, values, union(before, now));
  const made = await ensureSecret(api, values, random);
  if (made.length > 0) say(`made, and never replaced: ${made.join(", ")} in Secret ${values.secret}`);
  for (const object of objects.filter(({ kind }) => kind !== "Namespace")) await applyObject(options, object);
  const kept = await prune(options, before, now);
  await removeStaleRoutes(options);
  await writeInventory(api, values, union(now, kept));
}

/** What an uninstall has left to die would take what is applied to it along. Milliseconds. */
const leaving = { lookMs: 500, mostMs: 180_000 };

async function applyObject(options: ApplyOptions, object: KubernetesObject): Promise<void> {
  const { api, force, clock, say } = options;
  const identity = identityOf(object);
  const apply = async () => {
    const answer = await api.call<KubernetesObject>("PATCH", pathOf(identity), {
      contentType: "application/apply-patch+yaml",
      query: { fieldManager, force: force || undefined },
      body: object,
    });
    if (answer.ok) return answer;
    throw clusterRefused(`apply ${textOf(identity)}`, answer.code, answer.status);
  };
  let answer = await apply();
  const until = clock.monotonic() + leaving.mostMs;
  while (answer.body.metadata?.deletionTimestamp !== undefined) {
    await untilGone(options, identity, answer.body.metadata.uid, until);
    answer = await apply();
  }
  for (const warning of answer.warnings) say(`${textOf(identity)}: ${warning}`);
  if (identity.kind !== "ConfigMap")
    say(`${answer.code === 201 ? "made   " : "applied"} ${textOf(identity)}`);
}

/** Returns when the object of this uid is no more. */
async function untilGone(
  { api, clock, say }: ApplyOptions,
  identity: Identity,
  uid: string | undefined,
  until: number,
): Promise<void> {
  say(`waits   ${textOf(identity)}: an earlier one is still being removed`);
  for (;;) {
    const found = await api.call<KubernetesObject>("GET", pathOf(identity));
    if (found.ok ? found.body.metadata?.uid !== uid : found.code === 404) return;
    if (!found.ok) throw clusterRefused(`read ${textOf(identity)}`, found.code, found.status);
    if (clock.monotonic() > until) {
      throw new SlipwayError("still-there", `${textOf(identity)} is being removed, and does not go`, {
        hint: `what holds it: ${JSON.stringify(found.body.metadata?.finalizers ?? [])} in its metadata.finalizers`,
      });
    }
    await pauseOrThrow(clock, leaving.lookMs, undefined);
  }
}

/** Removes what is no longer wanted, the last first; answers what is kept for its data's sake. */
async function prune({ api, say }: ApplyOptions, before: Identity[], now: Identity[]): Promise<Identity[]> {
  const wanted = new Set(now.map(textOf));
  const kept: Identity[] = [];
  for (const identity of before.filter(each => !wanted.has(textOf(each))).reverse()) {
    if (kinds[identity.kind]?.kept === true) {
      kept.push(identity);
      say(`kept    ${textOf(identity)}: it may hold data; delete it yourself when it does not`);
    } else if (await removeOwn(api, identity)) say(`removed ${textOf(identity)}`);
  }
  return kept;
}

/** Only what still carries our label: somebody may have taken it over. Answers whether it was there. */
export async function removeOwn(api: KubernetesApi, identity: Identity): Promise<boolean> {
  const path = pathOf(identity);
  const found = await api.call<KubernetesObject>("GET", path);
  if (!found.ok && found.code === 404) return false;
  if (!found.ok) throw clusterRefused(`read ${textOf(identity)}`, found.code, found.status);
  const { labels, uid } = found.body.metadata ?? {};
  if (labels?.[installLabel] === undefined) return false;
  const removed = await api.call("DELETE", path, {
    body: { propagationPolicy: "Foreground", preconditions: { uid } },
  });
  if (!removed.ok && removed.code !== 404) {
    throw clusterRefused(`delete ${textOf(identity)}`, removed.code, removed.status);
  }
  return true;
}

export async function writeInventory(api: KubernetesApi, values: Values, objects: Identity[]): Promise<void> {
  const namespace = values.namespaces.platform;
  const body: ConfigMap = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: inventoryName, namespace, labels: partLabels },
    data: { objects: JSON.stringify(objects) },
  };
  const answer = await api.call("PATCH", pathOf(identityOf(body)), {
    contentType: "application/apply-patch+yaml",
    query: { fieldManager, force: true },
    body,
  });
  if (!answer.ok) throw clusterRefused(`apply ${textOf(identityOf(body))}`, answer.code, answer.status);
}

/** Empty where nothing was ever installed. */
export async function readInventory(api: KubernetesApi, { namespaces }: Values): Promise<Identity[]> {
  const identity = { kind: "ConfigMap", namespace: namespaces.platform, name: inventoryName };
  const answer = await api.call<ConfigMap>("GET", pathOf(identity));
  if (!answer.ok && answer.code === 404) return [];
  if (!answer.ok) throw clusterRefused(`read ${textOf(identity)}`, answer.code, answer.status);
  let listed: unknown;
  try {
    listed = JSON.parse(answer.body.data?.objects ?? "[]");
  } catch {
    return [];
  }
  return Array.isArray(listed) ? listed.filter(isIdentity) : [];
}

function isIdentity(value: unknown): value is Identity {
  const { kind, name, namespace } = (value ?? {}) as Record<string, unknown>;
  return (
    typeof kind === "string" &&
    Object.hasOwn(kinds, kind) &&
    typeof name === "string" &&
    (namespace === undefined || typeof namespace === "string")
  );
}

function union(one: Identity[], other: Identity[]): Identity[] {
  const known = new Set(other.map(textOf));
  return [...one.filter(each => !known.has(textOf(each))), ...other];
}
