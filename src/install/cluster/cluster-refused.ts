// What a cluster's no means for who installs: what happened, to which object, and what to change.

import { SlipwayError } from "../../core/failure.ts";
import type { Status } from "../../kubernetes/kubernetes-api.ts";

/** `doing`: `apply Deployment slipway/slipway-api`. */
export function clusterRefused(doing: string, code: number, status: Status): SlipwayError {
  const message = status.message ?? `status ${code}`;
  return new SlipwayError(
    "cluster-refused",
    `the cluster does not ${doing}: ${message}`,
    hintOf(code, message, status),
  );
}

function hintOf(code: number, message: string, status: Status): { hint?: string } {
  if (code === 401)
    return { hint: "sign in to the cluster again: its credentials are not (or no longer) good" };
  if (code === 403 && status.reason === "Forbidden" && message.includes("cannot ")) {
    return {
      hint: "your account lacks this right. Installing makes namespaces and roles: use an account with cluster-admin, or print the manifests (without --apply) for somebody who has one",
    };
  }
  if (code === 409) {
    return {
      hint: "somebody else changed these fields: look with --diff --force, and take them over with --apply --force",
    };
  }
  if (code === 404)
    return { hint: "the cluster does not know this kind: Slipway needs Kubernetes 1.27 or later" };
  if (code === 422)
    return { hint: "a value may not be changed once it is there; `slipway uninstall` keeps the data" };
  if (code === 429) return { hint: "the API server is busy: try again in a moment" };
  return {};
}
