// The answers of the stand-in API server that say no, in the words of a real one (1.32): code, reason, message, details.

export interface FaultCause {
  reason: string;
  message: string;
  field?: string;
}

export interface FaultDetails {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: FaultCause[];
  retryAfterSeconds?: number;
}

/** The part of a resource that answers name. */
export interface Named {
  group: string;
  plural: string;
  kind: string;
}

/** Thrown where a request is refused; the door turns it into a `Status`. */
export class ApiFault extends Error {
  readonly code: number;
  readonly reason: string | undefined;
  readonly details: FaultDetails | undefined;
  /** `metadata.continue` of an expired list. */
  readonly continueToken: string | undefined;

  constructor(
    code: number,
    reason: string | undefined,
    message: string,
    details?: FaultDetails,
    next?: string,
  ) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.details = details;
    this.continueToken = next;
  }

  get body() {
    return {
      kind: "Status",
      apiVersion: "v1",
      metadata: this.continueToken === undefined ? {} : { continue: this.continueToken },
      status: "Failure",
      message: this.message,
      ...(this.reason === undefined ? {} : { reason: this.reason }),
      ...(this.details === undefined ? {} : { details: this.details }),
      code: this.code,
    };
  }
}

function detailsOf({ group, plural }: Named, name?: string): FaultDetails {
  return { ...(name === undefined ? {} : { name }), ...(group === "" ? {} : { group }), kind: plural };
}

/** `pods`, `deployments.apps`. */
export function qualified({ group, plural }: { group: string; plural: string }): string {
  return group === "" ? plural : `${plural}.${group}`;
}

export const badRequest = (message: string) => new ApiFault(400, "BadRequest", message);

export const notFound = (resource: Named, name: string) =>
  new ApiFault(404, "NotFound", `${qualified(resource)} "${name}" not found`, detailsOf(resource, name));

export const alreadyExists = (resource: Named, name: string, terminating = false) =>
  new ApiFault(
    409,
    "AlreadyExists",
    `${terminating ? "object is being deleted: " : ""}${qualified(resource)} "${name}" already exists`,
    detailsOf(resource, name),
  );

export const conflict = (resource: Named, name: string, why: string) =>
  new ApiFault(
    409,
    "Conflict",
    `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${why}`,
    detailsOf(resource, name),
  );

export const modified = (resource: Named, name: string) =>
  conflict(
    resource,
    name,
    "the object has been modified; please apply your changes to the latest version and try again",
  );

/** By admission: the object is named. */
export const forbidden = (resource: Named, name: string, why: string, causes?: FaultCause[]) =>
  new ApiFault(403, "Forbidden", `${qualified(resource)} "${name}" is forbidden: ${why}`, {
    ...detailsOf(resource, name),
    ...(causes === undefined ? {} : { causes }),
  });

/** Several faults are told at once. */
export function invalid({ group, kind }: Named, name: string, causes: FaultCause[]): ApiFault {
  const lines = [...new Set(causes.map(cause => `${cause.field}: ${cause.message}`))];
  const full = group === "" ? kind : `${kind}.${group}`;
  const text = lines.length === 1 ? lines[0] : `[${lines.join(", ")}]`;
  const details = { name, ...(group === "" ? {} : { group }), kind, causes };
  return new ApiFault(422, "Invalid", `${full} "${name}" is invalid: ${text}`, details);
}

export const internal = (message: string) => new ApiFault(500, undefined, message);

export const expired = (message: string, next?: string) =>
  new ApiFault(410, "Expired", message, undefined, next);

export const noSuchPath = () =>
  new ApiFault(404, "NotFound", "the server could not find the requested resource", {});

export const methodNotAllowed = () =>
  new ApiFault(
    405,
    "MethodNotAllowed",
    "the server does not allow this method on the requested resource",
    {},
  );
