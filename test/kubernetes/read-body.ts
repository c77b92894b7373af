// From the bytes of a create or update to an object of the right kind, or to the refusal that a real server gives.

import { parse as parseYaml } from "yaml";
import { ApiFault, badRequest } from "./api-fault.ts";
import type { ApiObject } from "./api-object.ts";
import type { ApiRequest } from "./api-request.ts";
import { decode } from "./decode.ts";
import { readJson } from "./json-reader.ts";
import { apiVersionOf } from "./resources.ts";

const readable = ["application/json", "application/yaml"];

/** Body of a POST or PUT. Throws ApiFault 400, 415. Warns of unknown fields unless they are refused. */
export function readObject(request: ApiRequest): ApiObject {
  const type = request.contentType.split(";")[0]!.trim();
  if (type !== "" && !readable.includes(type)) {
    throw new ApiFault(
      415,
      "UnsupportedMediaType",
      "the body of the request was in an unknown format - accepted media types include: " +
        "application/json, application/yaml, application/vnd.kubernetes.protobuf",
    );
  }
  const { kind } = request.resource;
  const read = type === "application/yaml" ? readYaml(request.body) : readJson(request.body, kind);
  return checkedObject(request, read.value, read.duplicates);
}

export function readYaml(text: string): { value: unknown; duplicates: string[] } {
  try {
    return { value: parseYaml(text), duplicates: [] };
  } catch (error) {
    throw badRequest(`error parsing YAML: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Of the request's kind; a patched object comes here too. */
export function checkedObject(request: ApiRequest, value: unknown, duplicates: string[] = []): ApiObject {
  const { resource } = request;
  const { kind, version } = kindAndVersion(request, value);
  const decoded = decode(value, kind, version, kind);
  const findings = [
    ...duplicates.map(path => `duplicate field "${path}"`),
    ...decoded.unknown.map(path => `unknown field "${path}"`),
  ];
  const how = request.query.get("fieldValidation") ?? "";
  if (!["", "Strict", "Warn", "Ignore"].includes(how)) {
    throw badRequest(
      `fieldValidation: Unsupported value: "${how}": supported values: "Ignore", "Strict", "Warn"`,
    );
  }
  if (how === "Strict" && findings.length > 0) {
    throw badRequest(
      `${kind} in version "${version}" cannot be handled as a ${kind}: strict decoding error: ${findings.join(", ")}`,
    );
  }
  if (how !== "Ignore") request.warnings.push(...findings);
  const object = decoded.value as unknown as ApiObject;
  return {
    ...object,
    kind: resource.kind,
    apiVersion: apiVersionOf(resource),
    metadata: object.metadata ?? {},
  };
}

/** Subresources have kinds of their own. */
const subresourceKinds: Record<string, string> = {
  binding: "Binding",
  eviction: "Eviction",
  token: "TokenRequest",
};

function kindAndVersion({ resource, subresource }: ApiRequest, value: unknown) {
  const wanted = subresourceKinds[subresource ?? ""] ?? resource.kind;
  const said = (value ?? {}) as { kind?: unknown; apiVersion?: unknown };
  const kind = typeof said.kind === "string" && said.kind !== "" ? said.kind : wanted;
  const groupVersion =
    typeof said.apiVersion === "string" && said.apiVersion !== "" ? said.apiVersion : undefined;
  const expected = subresource === undefined || wanted === resource.kind ? apiVersionOf(resource) : undefined;
  const version = (groupVersion ?? expected ?? "v1").split("/").at(-1)!;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw badRequest(
      `${wanted} in version "${version}" cannot be handled as a ${wanted}: ` +
        "json: cannot unmarshal non-object into Go value",
    );
  }
  if (kind !== wanted) {
    throw badRequest(
      `${kind} in version "${version}" cannot be handled as a ${wanted}: no kind "${kind}" is registered for ` +
        `version "${groupVersion ?? expected}" in scheme "pkg/api/legacyscheme/scheme.go:30"`,
    );
  }
  if (expected !== undefined && groupVersion !== undefined && groupVersion !== expected) {
    throw badRequest(
      `the API version in the data (${groupVersion}) does not match the expected API version (${expected})`,
    );
  }
  return { kind, version };
}
