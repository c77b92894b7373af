// What a job asks for that its class does not allow. Pure.

import type { Refusal } from "../../core/failure.ts";
import type { Job } from "../../core/job.ts";
import type { ClassSettings } from "../../queue/queue.ts";

/** Why a job may not run in a class; undefined where it may. A class that is not there allows what is safe. */
export function classRefusal(
  job: Job,
  className: string,
  settings: ClassSettings | undefined,
  trusted: boolean,
): Refusal | undefined {
  const boxes = [job.box, ...job.services];
  if (settings?.engine === "host" && !trusted) {
    return no("runs on the host itself, which runs of untrusted events may not", "Name another class.");
  }
  const inPod = settings?.engine === "pod";
  const hint = "Take it out, or name a class that runs with Docker.";
  if (inPod && job.docker) return no("runs Pods, which have no Docker daemon (docker: true)", hint);
  if (inPod && boxes.some(box => (box.volumes ?? "") !== "")) {
    return no("runs Pods, which have no volumes of the host", hint);
  }
  if (inPod && boxes.some(box => box.ports.some(port => port.includes(":")))) {
    return no("runs Pods, which have no ports of the host", hint);
  }
  if (job.docker && settings?.allowDocker !== true) {
    return no("does not allow docker: true", "Take it out, or name a class that allows it.");
  }
  if (boxes.some(box => (box.volumes ?? "") !== "") && settings?.allowVolumes !== true) {
    return no("does not allow volumes", "Take them out, or name a class that allows them.");
  }
  // A port of a Pod's container is published nowhere.
  if (!inPod && boxes.some(box => box.ports.length > 0) && settings?.allowHostPorts !== true) {
    return no("does not allow ports of the host", "Take ports out, or name a class that allows them.");
  }
  return undefined;

  function no(what: string, hint: string): Refusal {
    return {
      code: "not-allowed",
      message: `The class ${className} of pipeline ${job.pipeline} ${what}.`,
      hint,
    };
  }
}
