// Which engine runs the jobs. Containers are what pipelines are written for, so the host engine is only ever taken when
// someone asked for it, or for "any".

import { SlipwayError } from "../core/failure.ts";
import type { DaemonSearch } from "../engine/docker/discover.ts";
import type { Clock } from "../lib/clock.ts";
import { type OpenEngine, openHostEngine } from "./engines.ts";
import type { PreparedJob } from "./prepare-jobs.ts";
import type { RunContext } from "./run-context.ts";
import type { RunWatch } from "./run-pipeline.ts";

/**
 * The engine that the options ask for. Throws SlipwayError `no-engine`, which lists what was looked for, where a daemon is
 * wanted and none answers.
 */
export async function chooseEngine(context: RunContext, watch: RunWatch, clock: Clock): Promise<OpenEngine> {
  const { options, observer } = context;
  const wanted = options.engine ?? "auto";
  const open = wanted === "host" ? await openHostEngine(options.env, clock) : await openByDaemon();
  watch.onEngine?.(open);
  return open;

  async function openByDaemon(): Promise<OpenEngine> {
    const { openDockerEngine, searchDaemon } = await import("./docker-daemon.ts");
    const search = await searchDaemon(options.env, options.docker);
    if (search.found !== undefined) {
      if (options.wercker) await tellSearch(context, search);
      return openDockerEngine(
        search.found,
        options.env,
        clock,
        message => void observer.say("warning", message),
      );
    }
    if (wanted === "any") {
      await observer.say(
        "info",
        "no container daemon answers: using the host engine, which isolates nothing",
      );
      return openHostEngine(options.env, clock);
    }
    throw noEngine(search);
  }
}

/**
 * For `any`: stays with the daemon only where it has, or can get, the images of all boxes. A look, no promise: the run
 * itself pulls again as it was told to.
 */
export async function settleEngine(
  context: RunContext,
  open: OpenEngine,
  jobs: PreparedJob[],
  watch: RunWatch,
  clock: Clock,
): Promise<OpenEngine> {
  const { options, observer, signal } = context;
  if (options.engine !== "any" || open.daemon === undefined) return open;
  const { missingImage } = await import("./images-at-hand.ts");
  const missing = await missingImage(open.daemon.client, jobs, options.pull ?? "missing", signal);
  if (missing === undefined) return open;
  await observer.say("info", `${missing}: using the host engine, which isolates nothing`);
  const host = await openHostEngine(options.env, clock);
  watch.onEngine?.(host);
  return host;
}

function noEngine(search: DaemonSearch): SlipwayError {
  const looked = search.lookedFor.map(({ source, address, reason }) => `  ${source}, ${address}: ${reason}`);
  return new SlipwayError("no-engine", `no container daemon answers. Looked for:\n${looked.join("\n")}`, {
    hint: "Start Docker or Podman, or name a daemon with --docker-host. Without containers: --engine host runs the steps on this machine itself. `slipway doctor` says more.",
  });
}

/** The wercker program told of every place it asked. */
async function tellSearch(context: RunContext, search: DaemonSearch): Promise<void> {
  if (context.options.docker?.host !== undefined || context.options.env.DOCKER_HOST) return;
  const found = search.found === undefined ? [] : [search.found.client.info.address];
  const { daemonAddressText } = await import("../engine/docker/daemon-address.ts");
  const places = [...search.lookedFor.map(({ address }) => address), ...found.map(daemonAddressText)];
  for (const place of places) {
    const shown = place.replace(/^unix:\/\//, "");
    await context.observer.say("info", `--> No Docker host specified, checking: ${shown}`);
  }
}
