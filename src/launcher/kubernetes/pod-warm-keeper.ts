// Keeps the placeholders of classes that ask for them: as many as the class said last, made anew when they have given way. It
// knows classes by the claims that pass through its worker, so nothing is kept for a class that nobody uses. Placeholders have
// fixed names: workers that keep the same ones do not add to each other, and nothing has to be listed or watched.

import { messageOf } from "../../core/failure.ts";
import type { KubernetesApi } from "../../kubernetes/kubernetes-api.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Claim, ClassSettings } from "../../queue/queue.ts";
import type { ClusterPlace, Pod } from "./pod-launch.ts";
import { warmPods } from "./pod-warm.ts";

export interface WarmKeeperOptions {
  api: KubernetesApi;
  place: ClusterPlace;
  /** Of a value below that of jobs. */
  priorityClassName: string;
  clock: Clock;
  /** Hears of what failed; it is tried again. */
  troubled(what: string): void;
}

export interface WarmKeeper extends Disposable {
  /** A job of its class came by. */
  note(claim: Pick<Claim, "class" | "classSettings">): void;
  /** Looks after all placeholders now. Never rejects. */
  keep(): Promise<void>;
}

/** Between two looks: one that gave way is made anew then. Milliseconds. */
const everyMs = 30_000;
/** Of a class that nobody has used for so long nothing is kept. Milliseconds. */
const usedMs = 24 * 60 * 60_000;

interface Known {
  settings: ClassSettings;
  usedAt: number;
  /** Names and namespaces of what may be there. */
  made: Map<string, string>;
}

/** Disposing stops the looks; placeholders stay for the next worker. */
export function createWarmKeeper(options: WarmKeeperOptions): WarmKeeper {
  const { clock } = options;
  const classes = new Map<string, Known>();
  let stopTimer: (() => void) | undefined;
  let keeping: Promise<void> | undefined;
  let closed = false;

  const keepAll = async () => {
    for (const [name, known] of classes) {
      const used = clock.monotonic() - known.usedAt < usedMs;
      const pods = used ? warmPods(name, known.settings, options.place, options.priorityClassName) : [];
      await keepClass(options, known, pods).catch(error =>
        options.troubled(`placeholders of the class ${name}: ${messageOf(error)}`),
      );
      if (!used && known.made.size === 0) classes.delete(name);
    }
  };
  const keep = () => {
    keeping ??= keepAll().finally(() => {
      keeping = undefined;
      schedule();
    });
    return keeping;
  };
  const schedule = () => {
    stopTimer?.();
    if (!closed && classes.size > 0) stopTimer = clock.after(everyMs, () => void keep());
  };

  return {
    note({ class: name, classSettings: settings }) {
      const known = classes.get(name);
      if (known === undefined && (settings.pod?.warm ?? 0) === 0) return;
      classes.set(name, { settings, usedAt: clock.monotonic(), made: known?.made ?? new Map() });
      if (known === undefined) void keep();
    },
    keep,
    [Symbol.dispose]() {
      closed = true;
      stopTimer?.();
    },
  };
}

async function keepClass(
  { api, troubled }: WarmKeeperOptions,
  { made }: Known,
  pods: readonly Pod[],
): Promise<void> {
  const wanted = new Set(pods.map(({ metadata }) => metadata?.name));
  for (const [name, namespace] of made) {
    if (wanted.has(name)) continue;
    const answer = await api.call("DELETE", `${pathOf(namespace)}/${name}`);
    if (answer.ok || answer.code === 404) made.delete(name);
  }
  for (const pod of pods) {
    const { name = "", namespace = "" } = pod.metadata ?? {};
    const answer = await api.call("POST", pathOf(namespace), { body: pod });
    if (answer.ok || answer.status.reason === "AlreadyExists") made.set(name, namespace);
    // Without room in the quota the next one finds none either.
    else return troubled(`the placeholder ${name}: ${answer.status.message ?? answer.code}`);
  }
}

function pathOf(namespace: string): string {
  return `/api/v1/namespaces/${namespace}/pods`;
}
