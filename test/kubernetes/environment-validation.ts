// Variables of containers and where their values come from.

import type { Container, EnvVar } from "kubernetes-types/core/v1.js";
import type { FaultCause } from "./api-fault.ts";
import { invalidValue, required } from "./field-fault.ts";
import { envNameFaults, subdomainFaults } from "./names.ts";

export function environmentFaults({ env = [], envFrom = [] }: Container, at: string): FaultCause[] {
  const faults = env.flatMap((variable, index) => variableFaults(variable, `${at}.env[${index}]`));
  for (const [index, { prefix, configMapRef, secretRef }] of envFrom.entries()) {
    const place = `${at}.envFrom[${index}]`;
    if (prefix !== undefined) {
      faults.push(...envNameFaults(prefix).map(why => invalidValue(`${place}.prefix`, prefix, why)));
    }
    if (configMapRef === undefined && secretRef === undefined) {
      faults.push(invalidValue(`${at}.envFrom`, "", "must specify one of: `configMapRef` or `secretRef`"));
    }
    if (configMapRef !== undefined && secretRef !== undefined) {
      faults.push(invalidValue(`${at}.envFrom`, "", "may not have more than one field specified at a time"));
    }
    for (const [field, ref] of Object.entries({ configMapRef, secretRef })) {
      if (ref === undefined) continue;
      if ((ref.name ?? "") === "") faults.push(required(`${place}.${field}.name`));
      else
        faults.push(
          ...subdomainFaults(ref.name!).map(why => invalidValue(`${place}.${field}.name`, ref.name, why)),
        );
    }
  }
  return faults;
}

const fields = [
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "spec.nodeName",
  "spec.serviceAccountName",
  "status.hostIP",
  "status.hostIPs",
  "status.podIP",
  "status.podIPs",
];

function variableFaults({ name = "", value, valueFrom }: EnvVar, at: string): FaultCause[] {
  const faults: FaultCause[] = [];
  if (name === "") faults.push(required(`${at}.name`));
  else faults.push(...envNameFaults(name).map(why => invalidValue(`${at}.name`, name, why)));
  if (valueFrom === undefined) return faults;
  const place = `${at}.valueFrom`;
  const { secretKeyRef, configMapKeyRef, fieldRef, resourceFieldRef } = valueFrom;
  const given = [fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef].filter(
    each => each !== undefined,
  );
  if (given.length === 0) {
    const why = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`";
    faults.push(invalidValue(place, "", why));
  }
  if (given.length > 1)
    faults.push(invalidValue(place, "", "may not have more than one field specified at a time"));
  if ((value ?? "") !== "" && given.length > 0) {
    faults.push(invalidValue(place, "", "may not be specified when `value` is not empty"));
  }
  for (const [field, ref] of Object.entries({ secretKeyRef, configMapKeyRef })) {
    if (ref === undefined) continue;
    if ((ref.name ?? "") === "") faults.push(required(`${place}.${field}.name`));
    if ((ref.key ?? "") === "") faults.push(required(`${place}.${field}.key`));
  }
  if (fieldRef !== undefined && !/^metadata\.(labels|annotations)\['.+'\]$/.test(fieldRef.fieldPath ?? "")) {
    if ((fieldRef.fieldPath ?? "") === "") faults.push(required(`${place}.fieldRef.fieldPath`));
    else if (!fields.includes(fieldRef.fieldPath)) {
      const why = `error converting fieldPath: field label not supported: ${fieldRef.fieldPath}`;
      faults.push(invalidValue(`${place}.fieldRef.fieldPath`, fieldRef.fieldPath, why));
    }
  }
  return faults;
}
