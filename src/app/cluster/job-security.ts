// The rights of job Pods as launchers give them, for probes of a cluster: what is proven has to be what jobs get.

import type { JobSecurity } from "../../install/probe/probe-pods.ts";
import { boxSecurity, podSecurity, runnerSecurity } from "../../launcher/kubernetes/pod-security.ts";

export function jobSecurity(): JobSecurity {
  return { pod: podSecurity(), runner: runnerSecurity(), box: boxSecurity };
}
