// The platform's namespace and two for jobs, each with the Pod Security level that holds there.
// https://kubernetes.io/docs/concepts/security/pod-security-standards/

import type { Namespace } from "kubernetes-types/core/v1.js";
import type { Values } from "../values.ts";
import { partLabels } from "./labels.ts";

type Level = "baseline" | "restricted";

export function namespaceObjects({ namespaces }: Values): Namespace[] {
  return [
    namespace(namespaces.platform, "restricted"),
    namespace(namespaces.baseline, "baseline"),
    namespace(namespaces.restricted, "restricted"),
  ];
}

function namespace(name: string, level: Level): Namespace {
  return {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: {
      name,
      labels: {
        ...partLabels,
        "pod-security.kubernetes.io/enforce": level,
        "pod-security.kubernetes.io/enforce-version": "latest",
        "pod-security.kubernetes.io/warn": level,
        "pod-security.kubernetes.io/audit": level,
      },
    },
  };
}
