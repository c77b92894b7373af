// HTTPRoutes of the Gateway API, as far as routes of services use them: a custom resource, with the defaults and checks of
// its definition. https://gateway-api.sigs.k8s.io/reference/spec/

import type { FaultCause } from "./api-fault.ts";
import type { ApiObject } from "./api-object.ts";
import { invalidValue, required, unsupported } from "./field-fault.ts";
import { subdomainFaults } from "./names.ts";
import type { KindRules } from "./rules.ts";

interface Reference {
  group?: string;
  kind?: string;
  name?: string;
  port?: number;
  weight?: number;
}

interface Rule {
  backendRefs?: Reference[];
  matches?: { path?: { type?: string; value?: string }; method?: string }[];
}

interface RouteSpec {
  hostnames?: string[];
  parentRefs?: Reference[];
  rules?: Rule[];
}

function defaults(draft: ApiObject): void {
  const spec = (draft.spec ?? {}) as RouteSpec;
  draft.spec = spec;
  for (const parent of spec.parentRefs ?? []) {
    parent.group ??= "gateway.networking.k8s.io";
    parent.kind ??= "Gateway";
  }
  spec.rules ??= [{}];
  for (const rule of spec.rules) {
    rule.matches ??= [{}];
    for (const match of rule.matches) {
      match.path = { type: match.path?.type ?? "PathPrefix", value: match.path?.value ?? "/" };
    }
    for (const backend of rule.backendRefs ?? []) {
      backend.group ??= "";
      backend.kind ??= "Service";
      backend.weight ??= 1;
    }
  }
}

function validate(draft: ApiObject): FaultCause[] {
  const { hostnames = [], parentRefs = [], rules = [] } = draft.spec as RouteSpec;
  const faults: FaultCause[] = [];
  for (const [index, host] of hostnames.entries()) {
    const name = host.startsWith("*.") ? host.slice(2) : host;
    if (subdomainFaults(name).length > 0) {
      const why = `spec.hostnames[${index}] in body should match '^(\\*\\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$'`;
      faults.push(invalidValue(`spec.hostnames[${index}]`, host, why));
    }
  }
  for (const [index, { name }] of parentRefs.entries()) {
    if (name === undefined) faults.push(required(`spec.parentRefs[${index}].name`));
  }
  for (const [index, rule] of rules.entries()) faults.push(...ruleFaults(rule, `spec.rules[${index}]`));
  return faults;
}

const pathTypes = ["Exact", "PathPrefix", "RegularExpression"];

function ruleFaults({ backendRefs = [], matches = [] }: Rule, at: string): FaultCause[] {
  const faults: FaultCause[] = [];
  for (const [index, { path = {} }] of matches.entries()) {
    const place = `${at}.matches[${index}].path`;
    const { type = "", value = "" } = path;
    if (!pathTypes.includes(type)) faults.push(unsupported(`${place}.type`, type, pathTypes));
    if (type !== "RegularExpression" && !value.startsWith("/")) {
      faults.push(
        invalidValue(
          place,
          path,
          "value must be an absolute path and start with '/' when type one of ['Exact', 'PathPrefix']",
        ),
      );
    }
  }
  for (const [index, { name, port, kind, group }] of backendRefs.entries()) {
    const place = `${at}.backendRefs[${index}]`;
    if (name === undefined) faults.push(required(`${place}.name`));
    if (port === undefined && kind === "Service" && group === "") {
      faults.push(invalidValue(place, {}, "Must have port for Service reference"));
    }
    if (port !== undefined && (port < 1 || port > 65_535)) {
      faults.push(invalidValue(`${place}.port`, port, `${place}.port in body should be between 1 and 65535`));
    }
  }
  return faults;
}

export const routeRules: KindRules = { generation: true, status: true, defaults, validate };
