// What a server accepts in a Pod, but warns of.

import type { PodSpec } from "kubernetes-types/core/v1.js";

export function podWarnings(spec: PodSpec, at = "spec"): string[] {
  const secrets = (spec.imagePullSecrets ?? []).flatMap(({ name = "" }, index) =>
    name === "" ? [`${at}.imagePullSecrets[${index}].name: invalid empty name ""`] : [],
  );
  return [...secrets, ...environmentWarnings(spec, at), ...portWarnings(spec, at)];
}

function environmentWarnings({ containers }: PodSpec, at: string): string[] {
  const warnings: string[] = [];
  for (const [index, { env = [] }] of containers.entries()) {
    const seen = new Set<string>();
    for (const [each, { name }] of env.entries()) {
      if (seen.has(name)) {
        const place = `${at}.containers[${index}].env[${each}]`;
        warnings.push(
          `${place}: hides previous definition of "${name}", which may be dropped when using apply`,
        );
      }
      seen.add(name);
    }
  }
  return warnings;
}

/** The network is one for all containers. */
function portWarnings({ containers }: PodSpec, at: string): string[] {
  const warnings: string[] = [];
  const seen = new Map<string, string>();
  for (const [index, { ports = [] }] of containers.entries()) {
    for (const [each, { containerPort, protocol }] of ports.entries()) {
      const place = `${at}.containers[${index}].ports[${each}]`;
      const key = `${containerPort}/${protocol}`;
      const other = seen.get(key);
      if (other === undefined) seen.set(key, place);
      else warnings.push(`${place}: duplicate port definition with ${other}`);
    }
  }
  return warnings;
}
