// Namespaces: their phase, and the levels of Pod Security that they may name.

import type { FaultCause } from "./api-fault.ts";
import { invalidValue } from "./field-fault.ts";
import type { KindRules } from "./rules.ts";

const levels = ["privileged", "baseline", "restricted"];

export const namespaceRules: KindRules = {
  names: "label",
  status: true,
  deleteAnswersObject: true,
  defaults(draft) {
    const { metadata } = draft;
    if (metadata.name === undefined) return;
    metadata.labels = { ...metadata.labels, "kubernetes.io/metadata.name": metadata.name };
  },
  prepare(_cluster, draft) {
    draft.spec = { finalizers: ["kubernetes"] };
    draft.status = { phase: "Active" };
  },
  prepareUpdate(draft, before) {
    draft.spec = before.spec;
  },
  validate({ metadata }) {
    const faults: FaultCause[] = [];
    for (const mode of ["audit", "enforce", "warn"]) {
      const key = `pod-security.kubernetes.io/${mode}`;
      const level = metadata.labels?.[key];
      if (level !== undefined && !levels.includes(level))
        faults.push(invalidValue(`metadata.labels[${key}]`, level, `must be one of ${levels.join(", ")}`));
    }
    return faults;
  },
};
