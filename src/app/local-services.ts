// Services that are projects themselves (`url: file://PATH#PIPELINE`): each is built by a complete run of its own, and
// the image of that run's box is started as the service. The images go away again with the run.

import path from "node:path";
import type { Result } from "../core/failure.ts";
import { accept, messageOf, refuse } from "../core/failure.ts";
import type { BoxSpec } from "../core/job.ts";
import { isGood } from "../core/outcome.ts";
import type { DaemonClient } from "../engine/docker/daemon-client.ts";
import { type Ending, endingOfRefusal, endingOfThrown } from "./announce.ts";
import type { OpenEngine } from "./engines.ts";
import { newRunId } from "./ids.ts";
import type { RunOptions } from "./run-options.ts";
import type { RunWatch } from "./run-pipeline.ts";
import type { PipelineResult, PlannedPipeline } from "./run-planned.ts";

export interface ServiceBuilds {
  open: OpenEngine;
  watch: RunWatch;
  /** Runs a pipeline; handed in, since it is the one that calls this. */
  build(options: RunOptions, watch: RunWatch): Promise<PipelineResult>;
  /** Tells of a run that ends here. */
  end(ending: Ending): Promise<PipelineResult>;
}

/** Builds the services, calls `run` with images in their places, and removes the images. */
export async function withLocalServices(
  planned: PlannedPipeline,
  builds: ServiceBuilds,
  run: (planned: PlannedPipeline) => Promise<PipelineResult>,
): Promise<PipelineResult> {
  const urls = new Set(
    planned.prepared.jobs.flatMap(({ job }) => job.services.flatMap(({ url }) => (url ? [url] : []))),
  );
  if (urls.size === 0) return run(planned);
  const images = new Map<string, string>();
  try {
    for (const url of urls) {
      const image = await buildService(planned, builds, url);
      if (!image.ok) return await builds.end(endingOfRefusal(image.refusal));
      images.set(url, image.value);
    }
    return await run(withImages(planned, images));
  } catch (error) {
    return await builds.end(endingOfThrown(error, builds.watch.signal));
  } finally {
    await removeImages(builds, [...images.values()]);
  }
}

async function buildService(
  { context }: PlannedPipeline,
  { open, watch, build }: ServiceBuilds,
  url: string,
): Promise<Result<string>> {
  const match = /^file:\/\/([^#]+)(?:#(.*))?$/.exec(url);
  if (match === null) {
    return refuse(
      "service-url",
      `service ${url}: only file://PATH#PIPELINE is known`,
      "give the service an image instead",
    );
  }
  if (open.daemon === undefined) {
    return refuse(
      "service-url",
      `service ${url} needs containers, and the host engine has none`,
      "run with --engine docker",
    );
  }
  const cwd = path.resolve(context.projectDir, decodeURIComponent(match[1]!));
  const pipeline = match[2] || "build";
  const runId = newRunId(Date.now());
  const image = `run-${runId}`;
  const { options } = context;
  // With its own defaults: variables and secrets of this run are none of its affair.
  const result = await build(
    {
      cwd,
      env: withoutVariables(options.env),
      pipeline,
      kind: "build",
      runId,
      engine: "docker",
      commit: { name: image, tag: "latest" },
      ...(options.docker === undefined ? {} : { docker: options.docker }),
      ...(options.pull === undefined ? {} : { pull: options.pull }),
      ...(options.wercker === undefined ? {} : { wercker: options.wercker }),
    },
    {
      ...watch,
      observer: { ...watch.observer, open: () => watch.observer.open(`service ${path.basename(cwd)}`) },
    },
  );
  if (isGood(result.outcome)) return accept(image);
  const why = result.message.split("\n", 1)[0];
  return refuse("service-not-built", `service ${url}: its pipeline ${pipeline} ${result.outcome}: ${why}`);
}

function withoutVariables(env: RunOptions["env"]): RunOptions["env"] {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^(X_|XXX_)/.test(name)));
}

function withImages(planned: PlannedPipeline, images: ReadonlyMap<string, string>): PlannedPipeline {
  const place = (service: BoxSpec): BoxSpec => {
    const image = service.url === undefined ? undefined : images.get(service.url);
    if (image === undefined) return service;
    return { ...service, id: image, tag: "latest", name: service.name ?? service.id };
  };
  const jobs = planned.prepared.jobs.map(prepared => ({
    ...prepared,
    job: { ...prepared.job, services: prepared.job.services.map(place) },
  }));
  return { ...planned, prepared: { ...planned.prepared, jobs } };
}

async function removeImages({ open, watch }: ServiceBuilds, images: string[]): Promise<void> {
  const client: DaemonClient | undefined = open.daemon?.client;
  for (const image of client === undefined ? [] : images) {
    try {
      await client!.call({
        method: "DELETE",
        path: `/images/${image}:latest`,
        signal: AbortSignal.timeout(20_000),
      });
    } catch (error) {
      await watch.observer.say("warning", `the image ${image} was not removed: ${messageOf(error)}`);
    }
  }
}
