// Requests and limits of containers.

import type { ResourceRequirements } from "kubernetes-types/core/v1.js";
import type { FaultCause } from "./api-fault.ts";
import { badName, invalidValue, required } from "./field-fault.ts";
import { qualifiedNameFaults } from "./names.ts";
import { quantityValue } from "./quantity.ts";

const standard = ["cpu", "memory", "ephemeral-storage"];
const isStandard = (name: string) => standard.includes(name) || name.startsWith("hugepages-");
type Amounts = Record<string, string>;

export function resourceFaults({ requests, limits }: ResourceRequirements, at: string): FaultCause[] {
  const [asked, most] = [(requests ?? {}) as Amounts, (limits ?? {}) as Amounts];
  const faults: FaultCause[] = [
    ...amountsFaults(most, `${at}.limits`),
    ...amountsFaults(asked, `${at}.requests`),
  ];
  for (const [name, amount] of Object.entries(asked)) {
    const limit = most[name];
    if (limit === undefined) {
      // Others than cpu and memory cannot be overcommitted.
      if (!isStandard(name) || name.startsWith("hugepages-")) {
        faults.push(required(`${at}.limits`, "Limit must be set for non overcommitable resources"));
      }
      continue;
    }
    if (!isStandard(name) && quantityValue(amount) !== quantityValue(limit)) {
      faults.push(invalidValue(`${at}.requests`, amount, `must be equal to ${name} limit of ${limit}`));
    } else if (quantityValue(amount) > quantityValue(limit)) {
      faults.push(
        invalidValue(`${at}.requests`, amount, `must be less than or equal to ${name} limit of ${limit}`),
      );
    }
  }
  return faults;
}

function amountsFaults(amounts: Amounts, at: string): FaultCause[] {
  return Object.entries(amounts).flatMap(([name, amount]) => {
    const place = `${at}[${name}]`;
    const faults = qualifiedNameFaults(name).map(why => invalidValue(place, name, why));
    if (!name.includes("/") && !isStandard(name)) {
      faults.push(badName(place, name, "must be a standard resource type or fully qualified"));
      faults.push(badName(place, name, "must be a standard resource for containers"));
    }
    if (quantityValue(amount) < 0)
      faults.push(invalidValue(place, amount, "must be greater than or equal to 0"));
    if (name.includes("/") && !Number.isInteger(quantityValue(amount))) {
      faults.push(invalidValue(place, { amount }, "must be an integer"));
    }
    return faults;
  });
}
