// Services, Ingresses and NetworkPolicies.

import type { FaultCause } from "./api-fault.ts";
import type { ApiObject } from "./api-object.ts";
import { portFaults } from "./container-validation.ts";
import { duplicate, fieldForbidden, invalidValue, required, unsupported } from "./field-fault.ts";
import { labelFaults, subdomainFaults } from "./names.ts";
import { isAddress } from "./pod-validation.ts";
import type { KindRules } from "./rules.ts";
import { labelFaultsOf, selectorFaults } from "./workload-rules.ts";

interface ServicePort {
  name?: string;
  port?: number;
  targetPort?: number | string;
  protocol?: string;
  nodePort?: number;
}

interface ServiceSpec {
  type?: string;
  clusterIP?: string;
  clusterIPs?: string[];
  selector?: Record<string, string>;
  sessionAffinity?: string;
  ports?: ServicePort[];
  externalName?: string;
  [field: string]: unknown;
}

let lastAddress = 10;
const nextAddress = () => {
  lastAddress += 1;
  return `10.96.${Math.floor(lastAddress / 250) % 250}.${(lastAddress % 250) + 1}`;
};

export const serviceRules: KindRules = {
  names: "label-1035",
  status: true,
  deleteAnswersObject: true,
  defaults(draft) {
    const spec = (draft.spec ?? {}) as ServiceSpec;
    draft.spec = spec;
    spec.sessionAffinity ??= "None";
    spec.type ??= "ClusterIP";
    for (const port of spec.ports ?? []) {
      port.protocol ??= "TCP";
      if (port.targetPort === undefined && port.port !== undefined) port.targetPort = port.port;
    }
    if (spec.type !== "ExternalName") spec.internalTrafficPolicy ??= "Cluster";
    if (spec.type === "NodePort" || spec.type === "LoadBalancer") spec.externalTrafficPolicy ??= "Cluster";
    if (spec.type === "LoadBalancer") spec.allocateLoadBalancerNodePorts ??= true;
  },
  prepare(_cluster, draft) {
    const spec = draft.spec as ServiceSpec;
    if (spec.type !== "ExternalName") giveAddress(spec);
    if (spec.type === "NodePort" || spec.type === "LoadBalancer") {
      for (const port of spec.ports ?? []) port.nodePort ??= 30_000 + (lastAddress++ % 2767);
    }
    draft.status = { loadBalancer: {} };
  },
  prepareUpdate(draft, before) {
    const [now, then] = [draft.spec as ServiceSpec, before.spec as ServiceSpec];
    if (now.type === "ExternalName") return;
    for (const field of ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"])
      now[field] ??= then[field];
    for (const port of now.ports ?? []) {
      const old = then.ports?.find(
        each => each.port === port.port && each.protocol === port.protocol,
      )?.nodePort;
      if (now.type !== "ClusterIP" && old !== undefined) port.nodePort ??= old;
    }
  },
  validate: serviceFaults,
  validateUpdate(draft, before) {
    const [now, then] = [draft.spec as ServiceSpec, before.spec as ServiceSpec];
    if (now.type === "ExternalName" || then.clusterIP === undefined || now.clusterIP === then.clusterIP)
      return [];
    return [invalidValue("spec.clusterIPs[0]", [now.clusterIP], "may not change once set")];
  },
};

function giveAddress(spec: ServiceSpec): void {
  spec.clusterIP ??= nextAddress();
  spec.clusterIPs ??= [spec.clusterIP];
  spec.ipFamilies ??= ["IPv4"];
  spec.ipFamilyPolicy ??= "SingleStack";
}

function serviceFaults(draft: ApiObject): FaultCause[] {
  const {
    type = "",
    clusterIP,
    ports = [],
    selector = {},
    sessionAffinity = "",
    externalName,
  } = draft.spec as ServiceSpec;
  const faults: FaultCause[] = [];
  const headless = clusterIP === "None";
  if (ports.length === 0 && !headless && type !== "ExternalName") faults.push(required("spec.ports"));
  if (type === "ExternalName" && (externalName ?? "") === "") faults.push(required("spec.externalName"));
  const names = new Set<string>();
  const taken = new Set<string>();
  for (const [index, { name = "", port, protocol = "", targetPort }] of ports.entries()) {
    const at = `spec.ports[${index}]`;
    if (name === "") {
      if (ports.length > 1) faults.push(required(`${at}.name`));
    } else {
      faults.push(...labelFaults(name).map(why => invalidValue(`${at}.name`, name, why)));
      if (names.has(name)) faults.push(duplicate(`${at}.name`, name));
      names.add(name);
    }
    faults.push(...portFaults(port ?? 0, `${at}.port`));
    const protocols = ["SCTP", "TCP", "UDP"];
    if (!protocols.includes(protocol)) faults.push(unsupported(`${at}.protocol`, protocol, protocols));
    if (typeof targetPort === "number") faults.push(...portFaults(targetPort, `${at}.targetPort`));
    const key = `${port}/${protocol}`;
    if (taken.has(key)) faults.push(duplicate(at, { protocol, port }));
    taken.add(key);
  }
  faults.push(...labelFaultsOf(selector, "spec.selector"));
  const affinities = ["ClientIP", "None"];
  if (!affinities.includes(sessionAffinity))
    faults.push(unsupported("spec.sessionAffinity", sessionAffinity, affinities));
  const types = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
  if (!types.includes(type)) faults.push(unsupported("spec.type", type, types));
  return faults;
}

interface Backend {
  service?: { name?: string; port?: { name?: string; number?: number } };
  resource?: object;
}

interface IngressSpec {
  ingressClassName?: string;
  defaultBackend?: Backend;
  rules?: { host?: string; http?: { paths?: { path?: string; pathType?: string; backend?: Backend }[] } }[];
  tls?: { hosts?: string[]; secretName?: string }[];
}

export const ingressRules: KindRules = {
  generation: true,
  status: true,
  prepare(_cluster, draft) {
    draft.status = { loadBalancer: {} };
  },
  validate(draft) {
    const { rules = [], defaultBackend, tls = [], ingressClassName } = (draft.spec ?? {}) as IngressSpec;
    const faults: FaultCause[] = [];
    if (rules.length === 0 && defaultBackend === undefined) {
      faults.push(invalidValue("spec", rules, "either `defaultBackend` or `rules` must be specified"));
    }
    if (defaultBackend !== undefined) faults.push(...backendFaults(defaultBackend, "spec.defaultBackend"));
    for (const [index, { host = "", http }] of rules.entries()) {
      const at = `spec.rules[${index}]`;
      faults.push(...hostFaults(host, `${at}.host`));
      if (http !== undefined) faults.push(...pathsFaults(http.paths ?? [], `${at}.http.paths`));
    }
    for (const [index, { hosts = [] }] of tls.entries()) {
      for (const [each, host] of hosts.entries())
        faults.push(...hostFaults(host, `spec.tls[${index}].hosts[${each}]`));
    }
    if (ingressClassName !== undefined) {
      const wrong = subdomainFaults(ingressClassName);
      faults.push(...wrong.map(why => invalidValue("spec.ingressClassName", ingressClassName, why)));
    }
    return faults;
  },
};

function hostFaults(host: string, at: string): FaultCause[] {
  if (host === "") return [];
  if (isAddress(host)) return [invalidValue(at, host, "must be a DNS name, not an IP address")];
  const name = host.startsWith("*.") ? host.slice(2) : host;
  return subdomainFaults(name).map(why => invalidValue(at, host, why));
}

interface IngressPath {
  path?: string;
  pathType?: string;
  backend?: Backend;
}

function pathsFaults(paths: IngressPath[], at: string): FaultCause[] {
  const faults: FaultCause[] = [];
  if (paths.length === 0) faults.push(required(at));
  for (const [index, { path = "", pathType, backend }] of paths.entries()) {
    const place = `${at}[${index}]`;
    const types = ["Exact", "ImplementationSpecific", "Prefix"];
    if (pathType === undefined) faults.push(required(`${place}.pathType`, "pathType must be specified"));
    else if (!types.includes(pathType)) faults.push(unsupported(`${place}.pathType`, pathType, types));
    else if (pathType !== "ImplementationSpecific" && !path.startsWith("/")) {
      faults.push(invalidValue(`${place}.path`, path, "must be an absolute path"));
    } else if (pathType === "ImplementationSpecific" && path !== "" && !path.startsWith("/")) {
      faults.push(invalidValue(`${place}.path`, path, "must be an absolute path"));
    } else {
      for (const bad of ["//", "/./", "/../", "%2f", "%2F"]) {
        if (pathType !== "ImplementationSpecific" && path.includes(bad)) {
          faults.push(invalidValue(`${place}.path`, path, `must not contain '${bad}'`));
        }
      }
    }
    faults.push(...backendFaults(backend ?? {}, `${place}.backend`));
  }
  return faults;
}

function backendFaults({ service, resource }: Backend, at: string): FaultCause[] {
  if (service === undefined && resource === undefined) {
    return [invalidValue(at, "", "resource or service backend is required")];
  }
  if (service === undefined) return [];
  const faults: FaultCause[] = [];
  const { name = "", port = {} } = service;
  if (name === "") faults.push(required(`${at}.service.name`));
  else faults.push(...labelFaults(name).map(why => invalidValue(`${at}.service.name`, name, why)));
  const hasName = (port.name ?? "") !== "";
  const hasNumber = (port.number ?? 0) !== 0;
  if (hasName && hasNumber) faults.push(invalidValue(at, "", "cannot set both port name & port number"));
  else if (hasNumber) faults.push(...portFaults(port.number, `${at}.service.port.number`));
  else if (!hasName) faults.push(required(at, "port name or number is required"));
  return faults;
}

interface Peer {
  podSelector?: object;
  namespaceSelector?: object;
  ipBlock?: { cidr?: string; except?: string[] };
}

interface PolicyRule {
  from?: Peer[];
  to?: Peer[];
  ports?: { protocol?: string; port?: number | string; endPort?: number }[];
}

interface PolicySpec {
  podSelector?: object;
  policyTypes?: string[];
  ingress?: PolicyRule[];
  egress?: PolicyRule[];
}

export const networkPolicyRules: KindRules = {
  generation: true,
  defaults(draft) {
    const spec = (draft.spec ?? {}) as PolicySpec;
    draft.spec = spec;
    spec.podSelector ??= {};
    spec.policyTypes ??= spec.egress === undefined ? ["Ingress"] : ["Ingress", "Egress"];
    for (const rule of [...(spec.ingress ?? []), ...(spec.egress ?? [])]) {
      for (const port of rule.ports ?? []) port.protocol ??= "TCP";
    }
  },
  validate(draft) {
    const spec = draft.spec as PolicySpec;
    const faults = selectorFaults(spec.podSelector ?? {}, "spec.podSelector");
    for (const [index, rule] of (spec.ingress ?? []).entries())
      faults.push(...ruleFaults(rule, `spec.ingress[${index}]`));
    for (const [index, rule] of (spec.egress ?? []).entries())
      faults.push(...ruleFaults(rule, `spec.egress[${index}]`));
    const types = ["Ingress", "Egress"];
    for (const [index, type] of (spec.policyTypes ?? []).entries()) {
      if (!types.includes(type)) faults.push(unsupported(`spec.policyTypes[${index}]`, type, types));
    }
    return faults;
  },
};

function ruleFaults({ from, to, ports = [] }: PolicyRule, at: string): FaultCause[] {
  const faults: FaultCause[] = [];
  for (const [index, { port, protocol = "", endPort }] of ports.entries()) {
    const place = `${at}.ports[${index}]`;
    const protocols = ["SCTP", "TCP", "UDP"];
    if (!protocols.includes(protocol)) faults.push(unsupported(`${place}.protocol`, protocol, protocols));
    if (typeof port === "number") faults.push(...portFaults(port, `${place}.port`));
    if (endPort !== undefined && typeof port === "number" && endPort < port) {
      faults.push(invalidValue(`${place}.endPort`, endPort, "must be greater than or equal to `port`"));
    }
  }
  for (const [field, peers] of Object.entries({ from, to })) {
    for (const [index, peer] of (peers ?? []).entries())
      faults.push(...peerFaults(peer, `${at}.${field}[${index}]`));
  }
  return faults;
}

function peerFaults({ podSelector, namespaceSelector, ipBlock }: Peer, at: string): FaultCause[] {
  const faults: FaultCause[] = [];
  const selects = podSelector !== undefined || namespaceSelector !== undefined;
  if (podSelector !== undefined) faults.push(...selectorFaults(podSelector, `${at}.podSelector`));
  if (namespaceSelector !== undefined)
    faults.push(...selectorFaults(namespaceSelector, `${at}.namespaceSelector`));
  if (ipBlock !== undefined) faults.push(...blockFaults(ipBlock, `${at}.ipBlock`));
  if (selects && ipBlock !== undefined) {
    faults.push(fieldForbidden(at, "may not specify both ipBlock and another peer"));
  }
  if (!selects && ipBlock === undefined) faults.push(required(at, "must specify a peer"));
  return faults;
}

function blockFaults(
  { cidr = "", except = [] }: { cidr?: string; except?: string[] },
  at: string,
): FaultCause[] {
  if (cidr === "") return [required(`${at}.cidr`)];
  const why = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
  const faults = isBlock(cidr) ? [] : [invalidValue(`${at}.cidr`, cidr, why)];
  for (const [index, each] of except.entries()) {
    if (!isBlock(each)) faults.push(invalidValue(`${at}.except[${index}]`, each, why));
    else if (isBlock(cidr) && !isInside(each, cidr)) {
      const words = `must be a strict subset of \`cidr\``;
      faults.push(invalidValue(`${at}.except[${index}]`, each, words));
    }
  }
  return faults;
}

function isBlock(text: string): boolean {
  const [address = "", bits = "", ...more] = text.split("/");
  const most = address.includes(":") ? 128 : 32;
  return more.length === 0 && isAddress(address) && /^\d{1,3}$/.test(bits) && Number(bits) <= most;
}

/** Only of IPv4; others are believed. */
function isInside(inner: string, outer: string): boolean {
  if (inner.includes(":") || outer.includes(":")) return true;
  const parse = (text: string) => {
    const [address = "", bits = ""] = text.split("/");
    return {
      value: address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0),
      bits: Number(bits),
    };
  };
  const [one, other] = [parse(inner), parse(outer)];
  const size = 2 ** (32 - other.bits);
  return one.bits > other.bits && Math.floor(one.value / size) === Math.floor(other.value / size);
}
