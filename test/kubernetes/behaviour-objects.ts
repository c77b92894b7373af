// Other kinds: what is filled in, what is refused.

import type { BehaviourCase } from "./behaviour-case.ts";

const core = "/api/v1/namespaces/{ns}";
const group = (name: string, version = "v1") => `/apis/${name}/${version}/namespaces/{ns}`;
const dry = "?dryRun=All&fieldValidation=Strict";
const meta = { metadata: { name: "tried" } };

function tried(path: string, apiVersion: string, kind: string) {
  return (name: string, more: object): BehaviourCase => ({
    name: `${kind}: ${name}`,
    method: "POST",
    path: path + dry,
    body: { apiVersion, kind, ...meta, ...more },
  });
}

const secret = tried(`${core}/secrets`, "v1", "Secret");
const config = tried(`${core}/configmaps`, "v1", "ConfigMap");
const service = tried(`${core}/services`, "v1", "Service");
const account = tried(`${core}/serviceaccounts`, "v1", "ServiceAccount");
const quota = tried(`${core}/resourcequotas`, "v1", "ResourceQuota");
const limits = tried(`${core}/limitranges`, "v1", "LimitRange");
const claim = tried(`${core}/persistentvolumeclaims`, "v1", "PersistentVolumeClaim");
const deployment = tried(`${group("apps")}/deployments`, "apps/v1", "Deployment");
const set = tried(`${group("apps")}/statefulsets`, "apps/v1", "StatefulSet");
const ingress = tried(`${group("networking.k8s.io")}/ingresses`, "networking.k8s.io/v1", "Ingress");
const policy = tried(
  `${group("networking.k8s.io")}/networkpolicies`,
  "networking.k8s.io/v1",
  "NetworkPolicy",
);
const budget = tried(`${group("policy")}/poddisruptionbudgets`, "policy/v1", "PodDisruptionBudget");
const scaler = tried(
  `${group("autoscaling", "v2")}/horizontalpodautoscalers`,
  "autoscaling/v2",
  "HorizontalPodAutoscaler",
);
const role = tried(`${group("rbac.authorization.k8s.io")}/roles`, "rbac.authorization.k8s.io/v1", "Role");
const binding = tried(
  `${group("rbac.authorization.k8s.io")}/rolebindings`,
  "rbac.authorization.k8s.io/v1",
  "RoleBinding",
);
const priority = tried("/apis/scheduling.k8s.io/v1/priorityclasses", "scheduling.k8s.io/v1", "PriorityClass");
const namespace = tried("/api/v1/namespaces", "v1", "Namespace");

const selector = { matchLabels: { app: "x" } };
const template = {
  metadata: { labels: { app: "x" } },
  spec: { containers: [{ name: "c", image: "probe:bb", ports: [{ containerPort: 80 }] }] },
};
const backend = { service: { name: "x", port: { number: 80 } } };
const path = { path: "/", pathType: "Prefix", backend };

export const objectCases: BehaviourCase[] = [
  secret("plain", { stringData: { a: "b" } }),
  secret("a bad key", { data: { "a b": "Yg==" } }),
  secret("no base64", { data: { a: "!" } }),
  secret("docker without its key", { type: "kubernetes.io/dockerconfigjson", data: {} }),
  secret("docker without JSON", {
    type: "kubernetes.io/dockerconfigjson",
    stringData: { ".dockerconfigjson": "x" },
  }),
  secret("docker", {
    type: "kubernetes.io/dockerconfigjson",
    stringData: { ".dockerconfigjson": '{"auths":{}}' },
  }),
  secret("tls without a key", { type: "kubernetes.io/tls", stringData: { "tls.crt": "x" } }),
  config("plain", { data: { a: "b" } }),
  config("a bad key", { data: { "a/b": "c" } }),
  config("one key in both", { data: { a: "b" }, binaryData: { a: "Yg==" } }),
  config("numbers", { data: { a: 1 } }),
  service("plain", { spec: { selector: { app: "x" }, ports: [{ port: 80 }] } }),
  service("without ports", { spec: { selector: { app: "x" } } }),
  service("headless", {
    spec: { clusterIP: "None", selector: { app: "x" }, ports: [{ port: 80, name: "a" }] },
  }),
  service("two ports without names", { spec: { ports: [{ port: 80 }, { port: 81 }] } }),
  service("two ports alike", {
    spec: {
      ports: [
        { port: 80, name: "a" },
        { port: 80, name: "b" },
      ],
    },
  }),
  service("a port out of range", { spec: { ports: [{ port: 99_999 }] } }),
  service("an unknown type", { spec: { type: "Some", ports: [{ port: 80 }] } }),
  service("a name that begins with a digit", { metadata: { name: "1a" }, spec: { ports: [{ port: 80 }] } }),
  service("a balancer", { spec: { type: "LoadBalancer", ports: [{ port: 80 }] } }),
  account("plain", {}),
  quota("plain", { spec: { hard: { pods: "10", "requests.cpu": "5", "limits.memory": "1Gi" } } }),
  quota("an unknown amount", { spec: { hard: { discs: "1" } } }),
  quota("a negative amount", { spec: { hard: { pods: "-1" } } }),
  limits("of containers", {
    spec: { limits: [{ type: "Container", default: { memory: "64Mi" }, max: { memory: "1Gi" } }] },
  }),
  limits("defaults above the most", {
    spec: { limits: [{ type: "Container", default: { memory: "2Gi" }, max: { memory: "1Gi" } }] },
  }),
  limits("least above the most", {
    spec: { limits: [{ type: "Container", min: { memory: "2Gi" }, max: { memory: "1Gi" } }] },
  }),
  claim("plain", { spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } } }),
  claim("of nothing", { spec: {} }),
  deployment("plain", { spec: { selector, template } }),
  deployment("without a selector", { spec: { template } }),
  deployment("an empty selector", { spec: { selector: {}, template } }),
  deployment("another selector", { spec: { selector: { matchLabels: { app: "y" } }, template } }),
  deployment("that never restarts", {
    spec: { selector, template: { ...template, spec: { ...template.spec, restartPolicy: "Never" } } },
  }),
  deployment("without containers", {
    spec: { selector, template: { ...template, spec: { containers: [] } } },
  }),
  deployment("fewer than none", { spec: { replicas: -1, selector, template } }),
  deployment("recreated", { spec: { strategy: { type: "Recreate" }, selector, template } }),
  deployment("an unknown field in the template", { spec: { selector, template: { ...template, what: 1 } } }),
  deployment("spread", {
    spec: {
      selector,
      template: {
        ...template,
        spec: {
          ...template.spec,
          topologySpreadConstraints: [
            {
              maxSkew: 1,
              topologyKey: "kubernetes.io/hostname",
              whenUnsatisfiable: "ScheduleAnyway",
              labelSelector: selector,
            },
          ],
        },
      },
    },
  }),
  set("plain", { spec: { serviceName: "x", selector, template } }),
  set("with claims", {
    spec: {
      serviceName: "x",
      selector,
      template,
      volumeClaimTemplates: [
        {
          metadata: { name: "d" },
          spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
        },
      ],
    },
  }),
  set("another selector", { spec: { serviceName: "x", selector: { matchLabels: { app: "y" } }, template } }),
  ingress("plain", {
    spec: { ingressClassName: "nginx", rules: [{ host: "a.example.org", http: { paths: [path] } }] },
  }),
  ingress("of nothing", { spec: {} }),
  ingress("without a path type", { spec: { rules: [{ http: { paths: [{ path: "/", backend }] } }] } }),
  ingress("a relative path", { spec: { rules: [{ http: { paths: [{ ...path, path: "x" }] } }] } }),
  ingress("without a backend", {
    spec: { rules: [{ http: { paths: [{ path: "/", pathType: "Prefix" }] } }] },
  }),
  ingress("a host with capitals", { spec: { rules: [{ host: "A.example.org", http: { paths: [path] } }] } }),
  ingress("an address as host", { spec: { rules: [{ host: "10.0.0.1", http: { paths: [path] } }] } }),
  ingress("a wildcard", { spec: { rules: [{ host: "*.example.org", http: { paths: [path] } }] } }),
  ingress("a backend without a port", {
    spec: { rules: [{ http: { paths: [{ ...path, backend: { service: { name: "x" } } }] } }] },
  }),
  policy("that denies all", { spec: { podSelector: {}, policyTypes: ["Ingress", "Egress"] } }),
  policy("to the internet", {
    spec: {
      podSelector: {},
      egress: [{ to: [{ ipBlock: { cidr: "0.0.0.0/0", except: ["10.0.0.0/8"] } }], ports: [{ port: 443 }] }],
    },
  }),
  policy("a bad block", { spec: { podSelector: {}, egress: [{ to: [{ ipBlock: { cidr: "10.0.0.0" } }] }] } }),
  policy("an exception outside", {
    spec: {
      podSelector: {},
      egress: [{ to: [{ ipBlock: { cidr: "10.0.0.0/8", except: ["11.0.0.0/16"] } }] }],
    },
  }),
  policy("a peer of nothing", { spec: { podSelector: {}, ingress: [{ from: [{}] }] } }),
  policy("a peer of two kinds", {
    spec: { podSelector: {}, ingress: [{ from: [{ podSelector: {}, ipBlock: { cidr: "10.0.0.0/8" } }] }] },
  }),
  policy("an unknown type", { spec: { podSelector: {}, policyTypes: ["Both"] } }),
  budget("plain", { spec: { minAvailable: 1, selector } }),
  budget("both", { spec: { minAvailable: 1, maxUnavailable: 1, selector } }),
  budget("less than none", { spec: { minAvailable: -1, selector } }),
  scaler("plain", {
    spec: { scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "x" }, maxReplicas: 3 },
  }),
  scaler("fewer at most than at least", {
    spec: { scaleTargetRef: { kind: "Deployment", name: "x" }, minReplicas: 3, maxReplicas: 2 },
  }),
  scaler("none at most", { spec: { scaleTargetRef: { kind: "Deployment", name: "x" } } }),
  role("plain", { rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["get"] }] }),
  role("without verbs", { rules: [{ apiGroups: [""], resources: ["pods"] }] }),
  role("without a group", { rules: [{ resources: ["pods"], verbs: ["get"] }] }),
  role("of a path", { rules: [{ nonResourceURLs: ["/x"], verbs: ["get"] }] }),
  binding("plain", {
    roleRef: { kind: "Role", name: "x", apiGroup: "rbac.authorization.k8s.io" },
    subjects: [{ kind: "ServiceAccount", name: "x", namespace: "{ns}" }],
  }),
  binding("to no kind", { roleRef: { kind: "What", name: "x", apiGroup: "rbac.authorization.k8s.io" } }),
  binding("of an unknown kind", {
    roleRef: { kind: "Role", name: "x", apiGroup: "rbac.authorization.k8s.io" },
    subjects: [{ kind: "Robot", name: "x" }],
  }),
  priority("plain", { value: 10 }),
  priority("too high", { value: 2_000_000_000 }),
  priority("a system name", { metadata: { name: "system-x" }, value: 1 }),
  namespace("plain", {}),
  namespace("an unknown level", {
    metadata: { name: "tried", labels: { "pod-security.kubernetes.io/enforce": "high" } },
  }),
  namespace("a name with dots", { metadata: { name: "a.b" } }),
];
