// Volumes of Pods: names, one source each, and what the sources need.

import type { Volume } from "kubernetes-types/core/v1.js";
import type { FaultCause } from "./api-fault.ts";
import { duplicate, fieldForbidden, invalidValue, required } from "./field-fault.ts";
import { labelFaults } from "./names.ts";
import { quantityValue } from "./quantity.ts";

export function volumesFaults(volumes: readonly Volume[], at: string): FaultCause[] {
  const faults: FaultCause[] = [];
  const seen = new Set<string>();
  for (const [index, volume] of volumes.entries()) {
    const place = `${at}[${index}]`;
    const { name = "" } = volume;
    if (name === "") faults.push(required(`${place}.name`));
    else faults.push(...labelFaults(name).map(why => invalidValue(`${place}.name`, name, why)));
    if (seen.has(name)) faults.push(duplicate(`${place}.name`, name));
    seen.add(name);
    faults.push(...sourceFaults(volume, place));
  }
  return faults;
}

function sourceFaults(volume: Volume, at: string): FaultCause[] {
  const faults: FaultCause[] = [];
  const [, ...more] = Object.keys(volume).filter(field => field !== "name");
  for (const field of more)
    faults.push(fieldForbidden(`${at}.${field}`, "may not specify more than 1 volume type"));
  const { emptyDir, secret, configMap, hostPath, persistentVolumeClaim, projected } = volume;
  const limit = emptyDir?.sizeLimit as string | undefined;
  if (limit !== undefined && quantityValue(limit) < 0) {
    faults.push(
      fieldForbidden(`${at}.emptyDir.sizeLimit`, "SizeLimit field must be a valid resource quantity"),
    );
  }
  if (secret !== undefined && (secret.secretName ?? "") === "")
    faults.push(required(`${at}.secret.secretName`));
  if (configMap !== undefined && (configMap.name ?? "") === "") faults.push(required(`${at}.configMap.name`));
  if (persistentVolumeClaim !== undefined && (persistentVolumeClaim.claimName ?? "") === "") {
    faults.push(required(`${at}.persistentVolumeClaim.claimName`));
  }
  for (const [field, source] of Object.entries({ secret, configMap, projected })) {
    const mode = source?.defaultMode;
    if (mode !== undefined && (mode < 0 || mode > 0o777)) {
      const why = "must be a number between 0 and 0777 (octal), both inclusive";
      faults.push(invalidValue(`${at}.${field}.defaultMode`, mode, why));
    }
  }
  if (hostPath !== undefined) {
    if ((hostPath.path ?? "") === "") faults.push(required(`${at}.hostPath.path`));
    else if (hostPath.path.split("/").includes("..")) {
      faults.push(invalidValue(`${at}.hostPath.path`, hostPath.path, "must not contain '..'"));
    }
  }
  return faults;
}
