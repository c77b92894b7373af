// Everything a run has asked the daemon to make, noted before the call that makes it, and taken away again in the
// end. A call that makes something is never broken off: its answer is awaited, so that nothing appears after the
// clean-up has looked.

import { messageOf, SlipwayError } from "../../core/failure.ts";
import type { Clock } from "../../lib/clock.ts";
import { removeContainer, removeNetwork, unlessGone } from "./container-calls.ts";
import { type DaemonClient, DaemonError } from "./daemon-client.ts";

export interface Remains {
  /** Notes the container's name, then makes it. */
  container<T>(name: string, make: () => Promise<T>): Promise<T>;
  /** Notes the network's name, then makes it. */
  network<T>(name: string, make: () => Promise<T>): Promise<T>;
  /** Forgets a container that was removed before the end. */
  forget(name: string): void;
  /** What is, as far as we know, still there: `container NAME`, `network NAME`. */
  list(): string[];
  /**
   * Removes all, or only ends the containers with `keep`. May be called again: it then tries what is left. Throws
   * SlipwayError `not-removed` with the names of what would not go.
   */
  clear(keep: boolean): Promise<void>;
}

/** How long one clean-up may take in all, whatever the daemon does. Milliseconds. */
const clearLimitMs = 45_000;
const tries = 4;

export function remains(client: DaemonClient, clock: Clock): Remains {
  const containers = new Set<string>();
  const networks = new Set<string>();
  const pending = new Set<Promise<unknown>>();

  async function making<T>(names: Set<string>, name: string, make: () => Promise<T>): Promise<T> {
    const ours = names.has(name);
    names.add(name);
    const made = make();
    const settled = made.then(
      () => {},
      error => {
        // The name is someone else's, or nothing was made; unless it is taken by what we made before.
        if (error instanceof DaemonError && !ours) names.delete(name);
      },
    );
    pending.add(settled);
    try {
      return await made;
    } finally {
      await settled;
      pending.delete(settled);
    }
  }

  async function drop(
    names: Set<string>,
    name: string,
    limit: AbortSignal,
    remove: () => Promise<void>,
  ): Promise<unknown> {
    for (let attempt = 1; ; attempt++) {
      try {
        await remove();
        names.delete(name);
        return undefined;
      } catch (error) {
        if (attempt === tries || limit.aborted) return error;
        await new Promise<void>(resolve => clock.after(100 * 4 ** (attempt - 1), resolve));
      }
    }
  }

  async function clearOnce(keep: boolean): Promise<void> {
    const limit = AbortSignal.timeout(clearLimitMs);
    await settledOrLate(pending, limit);
    const ends = await Promise.all(
      Array.from(containers, name =>
        drop(containers, name, limit, () =>
          keep ? endContainer(client, name, limit) : removeContainer(client, name, limit),
        ),
      ),
    );
    if (keep) networks.clear();
    const last = Array.from(networks, name =>
      drop(networks, name, limit, () => removeNetwork(client, name, limit)),
    );
    ends.push(...(await Promise.all(last)));
    const failures = ends.filter(end => end !== undefined);
    if (failures.length === 0) return;
    throw new SlipwayError(
      "not-removed",
      `could not remove ${list().join(", ")}: ${messageOf(failures[0])}`,
      { hint: "slipway sweep removes it when the container daemon answers again" },
    );
  }

  function list(): string[] {
    return [
      ...Array.from(containers, name => `container ${name}`),
      ...Array.from(networks, name => `network ${name}`),
    ];
  }

  return {
    container: (name, make) => making(containers, name, make),
    network: (name, make) => making(networks, name, make),
    forget: name => {
      containers.delete(name);
    },
    list,
    clear: clearOnce,
  };
}

async function endContainer(client: DaemonClient, name: string, signal: AbortSignal): Promise<void> {
  const path = `/containers/${encodeURIComponent(name)}/stop`;
  await unlessGone(client.call({ method: "POST", path, query: { t: 1 }, signal }));
}

/** A daemon that hangs in a call must not hang us for ever. */
async function settledOrLate(pending: Iterable<Promise<unknown>>, limit: AbortSignal): Promise<void> {
  await new Promise<void>(resolve => {
    const late = () => resolve();
    limit.addEventListener("abort", late, { once: true });
    void Promise.all(pending).then(() => {
      limit.removeEventListener("abort", late);
      resolve();
    });
  });
}
