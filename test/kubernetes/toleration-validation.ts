// Tolerations of Pods.

import type { Toleration } from "kubernetes-types/core/v1.js";
import type { FaultCause } from "./api-fault.ts";
import { invalidValue, unsupported } from "./field-fault.ts";
import { labelValueFaults, qualifiedNameFaults } from "./names.ts";

const effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

export function tolerationFaults(tolerations: readonly Toleration[], at: string): FaultCause[] {
  return tolerations.flatMap((each, index) => oneFaults(each, `${at}[${index}]`));
}

function oneFaults({ key = "", operator, value = "", effect, tolerationSeconds }: Toleration, at: string) {
  const faults: FaultCause[] = [];
  if (key !== "") faults.push(...qualifiedNameFaults(key).map(why => invalidValue(`${at}.key`, key, why)));
  if (key === "" && operator !== "Exists") {
    const why = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
    faults.push(invalidValue(`${at}.operator`, operator ?? "", why));
  }
  if (tolerationSeconds !== undefined && effect !== "NoExecute") {
    const why = "effect must be 'NoExecute' when `tolerationSeconds` is set";
    faults.push(invalidValue(`${at}.effect`, effect ?? "", why));
  }
  if (operator === undefined || operator === "Equal") {
    faults.push(...labelValueFaults(value).map(why => invalidValue(`${at}.operator`, value, why)));
  } else if (operator === "Exists") {
    if (value !== "")
      faults.push(invalidValue(`${at}.operator`, value, "value must be empty when `operator` is 'Exists'"));
  } else faults.push(unsupported(`${at}.operator`, operator, ["Equal", "Exists"]));
  if (effect !== undefined && !effects.includes(effect)) {
    faults.push(unsupported(`${at}.effect`, effect, effects));
  }
  return faults;
}
