// What is to become of a Pod, as data, and the scripts that tests want most.

export interface ContainerEnd {
  code: number;
  /** By the code unless told: `OOMKilled`. */
  reason?: string;
  /** Its termination message. */
  message?: string;
}

export interface ContainerScript {
  /** It cannot start. ErrImagePull takes turns with ImagePullBackOff. */
  waits?: { reason: string; message?: string /** Heals then. */; forMs?: number };
  /** It cannot be executed: StartError, 128. */
  cannotStart?: string;
  /** Ends by itself, that long after its start. Without it, it runs until told. */
  ends?: ContainerEnd & { afterMs: number };
  /** What TERM does; ends with 0 at once unless told. */
  onTerm?: "ignored" | (ContainerEnd & { afterMs: number });
}

export interface PodScript {
  containers?: Record<string, ContainerScript>;
  /** Until the scheduler has found a node. */
  scheduleMs?: number;
  /** No node fits, with the scheduler's words; for ever unless told. */
  unschedulable?: { message: string; forMs?: number };
  /** From the node's choice until the kubelet has it. */
  acceptMs?: number;
  /** From there until its containers are seen to run. */
  startMs?: number;
  /** Volumes cannot be mounted: nothing starts, and only Events tell. */
  failedMount?: string;
  /** The kubelet sees it only in this state: what happened in between is never written. */
  silentUntilMs?: number;
}

/** As on an idle node with images present. */
export const usual = { scheduleMs: 5, acceptMs: 10, startMs: 760 };

/** At once: for tests that measure something else. */
export const instant: PodScript = { scheduleMs: 0, acceptMs: 0, startMs: 0 };

/** Box and runner end with 0, services run on until TERM. */
export function success(message: string, boxMs = 3000): PodScript {
  return {
    containers: {
      box: { ends: { afterMs: boxMs, code: 0 } },
      runner: { ends: { afterMs: boxMs, code: 0, message } },
    },
  };
}

export function imageNotFound(container: string, image: string): PodScript {
  const message =
    `rpc error: code = NotFound desc = failed to pull and unpack image "${image}": failed to resolve reference ` +
    `"${image}": ${image}: not found`;
  return { containers: { [container]: { waits: { reason: "ErrImagePull", message } } } };
}

/** The registry says no. */
export function imageRefused(container: string, image: string): PodScript {
  const message =
    `failed to pull and unpack image "${image}": failed to resolve reference "${image}": pull access denied, ` +
    "repository does not exist or may require authorization: server message: insufficient_scope: authorization failed";
  return { containers: { [container]: { waits: { reason: "ErrImagePull", message } } } };
}

export function imageNeverPulled(container: string, image: string): PodScript {
  const message = `Container image "${image}" is not present with pull policy of Never`;
  return { containers: { [container]: { waits: { reason: "ErrImageNeverPull", message } } } };
}

export function imageNameInvalid(container: string, image: string): PodScript {
  const message = `Failed to apply default image tag "${image}": couldn't parse image name "${image}": invalid reference format`;
  return { containers: { [container]: { waits: { reason: "InvalidImageName", message } } } };
}

export function configError(container: string, message: string, forMs?: number): PodScript {
  const waits = { reason: "CreateContainerConfigError", message, ...(forMs === undefined ? {} : { forMs }) };
  return { containers: { [container]: { waits } } };
}
