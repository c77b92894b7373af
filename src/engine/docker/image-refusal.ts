// What a daemon's or registry's no to an image means: the user's affair (a refusal) or the machinery's (thrown).
// Daemons pass the registry's words on as text, so text is all there is to go by.

import { type Refusal, SlipwayError } from "../../core/failure.ts";
import { DaemonError } from "./daemon-client.ts";

const unreachable =
  /no such host|connection refused|i\/o timeout|TLS handshake|network is unreachable|no route to host|server misbehaving|deadline exceeded|connection reset|Client\.Timeout|temporary failure in name resolution|x509:|unexpected EOF|request canceled|(received unexpected HTTP status|status code|HTTP status|unexpected status)[^\d]*5\d\d|\b50[0234] (Internal|Bad|Service|Gateway)/i;
const busy = /toomanyrequests|too many requests|rate limit/i;
const invalid =
  /invalid reference format|invalid image|repository name must be|error parsing reference|not a valid repository|invalid tag/i;
const denied =
  /denied|unauthorized|authentication required|no basic auth credentials|authorization failed|incorrect username or password|invalid username\/password|unable to retrieve auth token|status 40[13]/i;
const missing =
  /not found|manifest unknown|no such image|name unknown|repository .* does not exist|image not known|unknown: |no matching manifest|does not exist/i;

/** Tells a refusal from a failure. `shown` is the image as the file has it. */
export function imageRefusal(error: unknown, shown: string, withCredentials: boolean): Refusal {
  const text =
    error instanceof DaemonError ? error.text : error instanceof Error ? error.message : String(error);
  if (error instanceof SlipwayError && !(error instanceof DaemonError) && error.code !== "registry-answer") {
    throw error;
  }
  if (/no space left on device|disk quota exceeded/i.test(text)) {
    throw new SlipwayError("no-space", `there is no space left for image ${shown}: ${text}`, {
      hint: "make room where the container daemon keeps its data: docker system df, docker system prune",
    });
  }
  if (unreachable.test(text)) {
    throw new SlipwayError(
      "registry-unreachable",
      `the registry of image ${shown} does not answer: ${text}`,
      {
        hint: "try again; --docker-local uses an image that is already here",
      },
    );
  }
  if (busy.test(text)) {
    throw new SlipwayError("registry-busy", `the registry refuses image ${shown} for now: ${text}`, {
      hint: "wait, or sign in: registries allow more to those they know",
    });
  }
  if (invalid.test(text)) {
    return {
      code: "image-invalid",
      message: `"${shown}" is not the name of an image: ${text}`,
      hint: "write it as name:tag, in lower case",
    };
  }
  if (denied.test(text)) {
    return {
      code: "image-denied",
      message: `the registry refuses image ${shown}: ${text}`,
      hint: withCredentials
        ? "check username and password, and whether that user may read the image"
        : "the image does not exist, or needs credentials: set username and password beside the image, or run docker login",
    };
  }
  if (missing.test(text)) {
    return {
      code: "image-not-found",
      message: `image ${shown} does not exist: ${text}`,
      hint: "check its name and tag",
    };
  }
  throw new SlipwayError("image-failed", `image ${shown} could not be had: ${text}`, { cause: error });
}

/** The refusal for an image that must be here already. */
export function imageNotHere(shown: string): Refusal {
  return {
    code: "image-not-found",
    message: `image ${shown} is not on this machine, and pulling is off`,
    hint: `pull it yourself (docker pull ${shown}), or run without --docker-local`,
  };
}
