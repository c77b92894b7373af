// One fault of one field, as the validation of a real API server words it. Lists of them become `Invalid`.

import type { FaultCause } from "./api-fault.ts";

export const required = (field: string, detail?: string): FaultCause => ({
  reason: "FieldValueRequired",
  message: detail === undefined || detail === "" ? "Required value" : `Required value: ${detail}`,
  field,
});

export const invalidValue = (field: string, value: unknown, detail: string): FaultCause => ({
  reason: "FieldValueInvalid",
  message: `Invalid value: ${shown(value)}: ${detail}`,
  field,
});

export const duplicate = (field: string, value: unknown): FaultCause => ({
  reason: "FieldValueDuplicate",
  message: `Duplicate value: ${shown(value)}`,
  field,
});

export const notThere = (field: string, value: unknown): FaultCause => ({
  reason: "FieldValueNotFound",
  message: `Not found: ${shown(value)}`,
  field,
});

export const unsupported = (field: string, value: unknown, supported: string[]): FaultCause => ({
  reason: "FieldValueNotSupported",
  message: `Unsupported value: ${shown(value)}: supported values: ${supported.map(each => JSON.stringify(each)).join(", ")}`,
  field,
});

export const fieldForbidden = (field: string, detail: string): FaultCause => ({
  reason: "FieldValueForbidden",
  message: `Forbidden: ${detail}`,
  field,
});

export const tooLong = (field: string, most: number): FaultCause => ({
  reason: "FieldValueTooLong",
  message: `Too long: may not be more than ${most} bytes`,
  field,
});

function shown(value: unknown): string {
  return typeof value === "string" || typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** Names of resources alone are not quoted. */
export const badName = (field: string, name: string, why: string): FaultCause => ({
  reason: "FieldValueInvalid",
  message: `Invalid value: ${name}: ${why}`,
  field,
});
