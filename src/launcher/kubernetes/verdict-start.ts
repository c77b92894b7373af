// Containers that did not start, or cannot: images that cannot be had, commands that are not there, a service that could not
// be run. The others run on as if nothing were, and nobody tells them; so it ends the job. Pure.

import type { ContainerStatus } from "kubernetes-types/core/v1.js";
import { noRunnerExitCode } from "../../engine/pod/pod-supervisor.ts";
import type { LaunchEnd } from "../../queue/queue.ts";
import { boxContainer, type Pod, runnerContainer } from "./pod-launch.ts";
import { calledInPod, sentence } from "./verdict-words.ts";

/** A registry, a disk, a Secret may come back; so long they are waited for. Milliseconds since the Pod has its node. */
const patienceMs = 120_000;

type Ours = "failed" | "broken";

/** The first container that is at fault; undefined where all have started or may yet. */
export function faultOfStart(pod: Pod, now: number): LaunchEnd | undefined {
  const since = Date.parse(pod.status?.startTime ?? pod.metadata?.creationTimestamp ?? "");
  const patient = !(now - since > patienceMs);
  for (const container of pod.status?.containerStatuses ?? []) {
    const fault = waitingFault(container, patient) ?? startError(container);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function waitingFault({ name, state }: ContainerStatus, patient: boolean): LaunchEnd | undefined {
  const waiting = state?.waiting;
  if (waiting === undefined) return undefined;
  const { message } = waiting;
  const who = calledInPod(name);
  switch (waiting.reason) {
    case "InvalidImageName":
      return end(
        name,
        "failed",
        "image-name-invalid",
        sentence(`the image of ${who} has no valid name`, message),
      );
    case "ErrImageNeverPull":
      return end(
        name,
        "failed",
        "image-missing",
        sentence(`the image of ${who} is not on the node`, message),
      );
    case "ErrImagePull":
    case "ImagePullBackOff":
    case "ImageInspectError":
    case "RegistryUnavailable":
      return imageFault(name, message ?? "", patient);
    case "CreateContainerConfigError":
    case "CreateContainerError":
    case "RunContainerError":
      return configFault(name, message ?? "", patient);
    default:
      return undefined;
  }
}

/** What a registry says of an image that it has not, or not for us. */
const refused =
  /not ?found|manifest unknown|name unknown|does not exist|denied|unauthorized|authentication required|no basic auth|40[134]\b|forbidden|invalid reference|no match for platform|no matching manifest|unsupported media type/i;
/** What is said of a registry that cannot be asked. Looked for first: such a text may also quote an address. */
const unreachable =
  /no such host|dial tcp|i\/o timeout|deadline exceeded|connection re(?:fused|set)|TLS handshake|x509|toomanyrequests|too many requests|\b429\b|\b50[0-4]\b|unexpected EOF|server misbehaving|no space left|service unavailable|qps exceeded/i;

function imageFault(name: string, message: string, patient: boolean): LaunchEnd | undefined {
  const who = calledInPod(name);
  if (!unreachable.test(message) && refused.test(message)) {
    return end(name, "failed", "image-refused", sentence(`the image of ${who} cannot be pulled`, message));
  }
  if (patient) return undefined;
  return end(
    name,
    "broken",
    "image-unreachable",
    sentence(`the image of ${who} could not be pulled`, message),
  );
}

function configFault(name: string, message: string, patient: boolean): LaunchEnd | undefined {
  const who = calledInPod(name);
  if (/runAsNonRoot|non-numeric user|image will run as root/i.test(message)) {
    const text = sentence(`${who} would run as root, which its class does not allow`, message);
    return end(name, "failed", "config-error", text);
  }
  if (patient) return undefined;
  return end(name, "broken", "config-error", sentence(`${who} could not be set up`, message));
}

function startError({ name, state }: ContainerStatus): LaunchEnd | undefined {
  const ended = state?.terminated;
  if (ended === undefined) return undefined;
  const who = calledInPod(name);
  if (ended.reason === "StartError" || ended.reason === "ContainerCannotRun") {
    const what =
      name === boxContainer
        ? "the box could not be started: it needs /bin/sh, and an ENTRYPOINT that is there"
        : `${who} could not be started`;
    return end(name, "failed", "start-error", sentence(what, ended.message));
  }
  if (name === boxContainer && ended.exitCode === noRunnerExitCode) {
    return end(
      name,
      "broken",
      "runner-late",
      sentence("the box has waited for its runner in vain", ended.message),
    );
  }
  return undefined;
}

/** What is wrong with the runner is ours, whatever it is. */
function end(container: string, outcome: Ours, reason: string, message: string): LaunchEnd {
  if (container === runnerContainer) return { outcome: "broken", reason: `runner-${reason}`, message };
  return { outcome, reason, message };
}
