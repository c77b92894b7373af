// Finds and removes what killed runs have left at the daemon. What belongs to a living process, to another machine,
// or was kept on purpose stays.

import { messageOf } from "../../core/failure.ts";
import { removeContainer, removeNetwork } from "./container-calls.ts";
import {
  keepLabel,
  ownerHostLabel,
  ownerPidLabel,
  ownerStartedLabel,
  type RunOwner,
  roleLabel,
  runLabel,
  safeName,
} from "./container-names.ts";
import type { DaemonClient } from "./daemon-client.ts";

export interface Leftover {
  kind: "container" | "network";
  name: string;
  runId: string;
  owner: RunOwner;
  kept: boolean;
}

/** Of an owner: it lives, it is gone, or it was on another machine and cannot be asked. */
export type OwnerState = "alive" | "gone" | "elsewhere";

export interface SweepOptions {
  ownerState(owner: RunOwner): OwnerState;
  /** Remove what was kept on purpose too. */
  kept: boolean;
  /** Only what this run has left; of all runs unless told. */
  runId?: string;
}

export interface Swept {
  removed: Leftover[];
  left: { leftover: Leftover; reason: string }[];
}

/** Removes leftovers. May be repeated; what cannot be removed is told, not thrown. */
export async function sweep(client: DaemonClient, options: SweepOptions): Promise<Swept> {
  const swept: Swept = { removed: [], left: [] };
  const all = await allMarked(client, options.runId);
  // A network goes only when no container is in it any more.
  for (const kind of ["container", "network"] as const) {
    await Promise.all(
      all.filter(leftover => leftover.kind === kind).map(leftover => take(client, leftover, options, swept)),
    );
  }
  return swept;
}

async function take(
  client: DaemonClient,
  leftover: Leftover,
  options: SweepOptions,
  swept: Swept,
): Promise<void> {
  const reason = whyStay(leftover, options);
  if (reason !== undefined) {
    swept.left.push({ leftover, reason });
    return;
  }
  const remove = leftover.kind === "container" ? removeContainer : removeNetwork;
  try {
    await remove(client, leftover.name, AbortSignal.timeout(30_000));
    swept.removed.push(leftover);
  } catch (error) {
    swept.left.push({ leftover, reason: messageOf(error) });
  }
}

function whyStay(leftover: Leftover, options: SweepOptions): string | undefined {
  const { owner } = leftover;
  const state = options.ownerState(owner);
  if (state === "alive") return `its run is going on (process ${owner.pid})`;
  if (state === "elsewhere") return `its run was started on ${owner.host}: sweep there`;
  if (leftover.kept && !options.kept) return "it was kept on purpose";
  return undefined;
}

/** What a run still has at the daemon. */
export async function leftovers(client: DaemonClient, runId: string): Promise<Leftover[]> {
  return allMarked(client, runId);
}

interface Marked {
  Labels?: Record<string, string> | null;
}

async function allMarked(client: DaemonClient, runId?: string): Promise<Leftover[]> {
  const filters = JSON.stringify({ label: [runId === undefined ? runLabel : `${runLabel}=${runId}`] });
  const [containers, networks] = await Promise.all([
    client.call<(Marked & { Names?: string[] })[]>({
      method: "GET",
      path: "/containers/json",
      query: { all: true, filters },
    }),
    client.call<(Marked & { Name: string })[]>({ method: "GET", path: "/networks", query: { filters } }),
  ]);
  return [
    ...containers.flatMap(each =>
      marked("container", (each.Names?.[0] ?? "").replace(/^\//, ""), each.Labels ?? {}),
    ),
    ...networks.flatMap(each => marked("network", each.Name, each.Labels ?? {})),
  ];
}

/** Names must fit too: an image that was committed elsewhere may hand our labels to a stranger's container. */
function marked(kind: Leftover["kind"], name: string, labels: Record<string, string>): Leftover[] {
  const runId = labels[runLabel] ?? "";
  const role = labels[roleLabel] ?? "";
  const fits =
    (role === "box" && name === safeName(`wercker-pipeline-${runId}`)) ||
    (role === "service" && name.startsWith("wercker-service-") && name.includes(safeName(runId))) ||
    (role === "step" && name.startsWith(safeName(runId))) ||
    (role === "network" && kind === "network");
  if (runId === "" || !fits) return [];
  const owner = {
    pid: Number(labels[ownerPidLabel] ?? ""),
    host: labels[ownerHostLabel] ?? "",
    started: labels[ownerStartedLabel] ?? "",
  };
  return [{ kind, name, runId, owner, kept: labels[keepLabel] === "true" }];
}
