// What a class allows a job, once more where it runs: it may have changed since the job was planned. Pure.

import type { Refusal } from "../core/failure.ts";
import type { Job } from "../core/job.ts";
import type { ClaimAnswer } from "../endpoints/runner.ts";
import type { RunnerSettings } from "../runner/runner.ts";
import type { RunnerInput } from "./runner-input.ts";

type Class = ClaimAnswer["class"];

/** Why the job may not run here; undefined where it may. */
export function refusalOfClass(job: Job, allowed: Class, trusted: boolean): Refusal | undefined {
  const boxes = [job.box, ...job.services];
  const no = (what: string, hint: string) => ({
    code: "not-allowed",
    message: `the class ${allowed.name} ${what}`,
    hint,
  });
  if (allowed.engine === "host" && !trusted) {
    return no("runs jobs on the machine itself, which untrusted ones may not", "name another class");
  }
  if (job.docker && !allowed.allowDocker) {
    return no("does not allow `docker: true`", "take it out, or name a class that allows it");
  }
  if (!allowed.allowVolumes && boxes.some(({ volumes = "" }) => volumes !== "")) {
    return no("does not allow volumes", "take them out, or name a class that allows them");
  }
  // A port of a Pod's container is published nowhere; that it maps none to a host was seen to before.
  if (allowed.engine !== "pod" && !allowed.allowHostPorts && boxes.some(({ ports }) => ports.length > 0)) {
    return no("does not allow ports of the machine", "take `ports` out, or name a class that allows them");
  }
  const project = job.services.find(({ url = "" }) => url !== "");
  if (project === undefined) return undefined;
  return {
    code: "service-url",
    message: `the service ${project.url} is a project of its own, which is built on a laptop only`,
    hint: "give the service an image",
  };
}

/** Between TERM and KILL of a step, and how long a box may take to greet. Milliseconds. */
const patience = { graceMs: 10_000, greetingMs: 30_000 };

/** How a job runs in its class. */
export function settingsOf(job: Job, allowed: Class, pull: RunnerInput["pull"]): RunnerSettings {
  const memory = least(allowed.memoryBytes, job.resources?.memoryBytes);
  return {
    pull: pull ?? "missing",
    artifacts: true,
    ...(memory === undefined ? {} : { memoryBytes: memory }),
    dns: [],
    exposePorts: allowed.allowHostPorts,
    enableVolumes: allowed.allowVolumes,
    keepContainers: false,
    devSteps: false,
    cleanupImages: false,
    ...patience,
  };
}

/** The job with no more cores than its class has. */
export function withinClass(job: Job, { cpu }: Class): Job {
  const cores = least(cpu, job.resources?.cpu);
  return cores === undefined ? job : { ...job, resources: { ...job.resources, cpu: cores } };
}

function least(...values: (number | undefined)[]): number | undefined {
  const known = values.filter(value => value !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}
