// Pods: what validation and admission say, and how they change.

import type { BehaviourCase } from "./behaviour-case.ts";

const pods = "/api/v1/namespaces/{ns}/pods";
const container = { name: "box", image: "probe:bb", imagePullPolicy: "IfNotPresent" };

interface Shape {
  metadata?: object;
  container?: object;
  containers?: object[];
  spec?: object;
}

function pod(name: string, { metadata, container: own, containers, spec }: Shape = {}): object {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, ...metadata },
    spec: {
      restartPolicy: "Never",
      automountServiceAccountToken: false,
      nodeSelector: { pool: "nowhere" },
      containers: containers ?? [{ ...container, ...own }],
      ...spec,
    },
  };
}

/** A Pod that is not stored even where it is accepted. */
const tried = (name: string, shape: Shape): BehaviourCase => ({
  name: `pod: ${name}`,
  method: "POST",
  path: `${pods}?dryRun=All&fieldValidation=Strict`,
  body: pod("tried", shape),
});

const onContainer: [string, object][] = [
  ["a container's name with capitals", { name: "Box" }],
  ["no name", { name: "" }],
  ["no image", { image: "" }],
  ["an image with a space before it", { image: " probe:bb" }],
  ["an unknown pull policy", { imagePullPolicy: "Sometimes" }],
  ["an unknown message policy", { terminationMessagePolicy: "Both" }],
  ["a port out of range", { ports: [{ containerPort: 70_000 }] }],
  ["a port of nothing", { ports: [{ name: "x" }] }],
  ["an unknown protocol", { ports: [{ containerPort: 80, protocol: "TLS" }] }],
  ["a long port name", { ports: [{ containerPort: 80, name: "a-name-that-is-too-long" }] }],
  [
    "two ports of one name",
    {
      ports: [
        { containerPort: 80, name: "a" },
        { containerPort: 81, name: "a" },
      ],
    },
  ],
  ["a variable without a name", { env: [{ name: "", value: "x" }] }],
  ["a variable with = in it", { env: [{ name: "a=b", value: "x" }] }],
  ["a variable with a space", { env: [{ name: "a b", value: "x" }] }],
  [
    "a variable of two sources",
    { env: [{ name: "A", value: "x", valueFrom: { secretKeyRef: { name: "s", key: "k" } } }] },
  ],
  ["a variable from nothing", { env: [{ name: "A", valueFrom: {} }] }],
  [
    "a variable from an unknown field",
    { env: [{ name: "A", valueFrom: { fieldRef: { fieldPath: "spec.what" } } }] },
  ],
  [
    "one variable twice",
    {
      env: [
        { name: "A", value: "1" },
        { name: "A", value: "2" },
      ],
    },
  ],
  ["envFrom without a source", { envFrom: [{}] }],
  ["a mount of no volume", { volumeMounts: [{ name: "none", mountPath: "/x" }] }],
  ["a mount without a path", { volumeMounts: [{ name: "io", mountPath: "" }] }],
  [
    "more requested than the limit",
    { resources: { requests: { memory: "2Gi" }, limits: { memory: "1Gi" } } },
  ],
  ["a negative limit", { resources: { limits: { memory: "-1" } } }],
  ["an unknown resource", { resources: { limits: { discs: "1" } } }],
  ["an extended resource requested without a limit", { resources: { requests: { "example.com/gpu": "1" } } }],
  ["half an extended resource", { resources: { limits: { "example.com/gpu": "0.5" } } }],
  ["an extended resource", { resources: { limits: { "example.com/gpu": "1" } } }],
  ["a limit alone", { resources: { limits: { cpu: "1", memory: "64Mi" } } }],
  ["a user below zero", { securityContext: { runAsUser: -1 } }],
  ["an unknown seccomp profile", { securityContext: { seccompProfile: { type: "Some" } } }],
  [
    "privileged without escalation",
    { securityContext: { privileged: true, allowPrivilegeEscalation: false } },
  ],
  ["a probe of nothing", { readinessProbe: {} }],
  ["a probe of two kinds", { readinessProbe: { exec: { command: ["x"] }, tcpSocket: { port: 80 } } }],
  ["a probe with defaults", { startupProbe: { exec: { command: ["x"] }, periodSeconds: 1 } }],
  ["a list where a text belongs", { image: ["x"] }],
  ["a text where a number belongs", { ports: [{ containerPort: "80" }] }],
  ["a number where a text belongs", { workingDir: 3 }],
  ["a text where a flag belongs", { tty: "yes" }],
  ["an object where a list belongs", { args: {} }],
  ["a number where an object belongs", { resources: 3 }],
  ["a quantity that is none", { resources: { limits: { memory: "lots" } } }],
  ["a fraction where a whole number belongs", { ports: [{ containerPort: 80.5 }] }],
  ["two unknown fields", { imagePullPolice: "Always", securityContext: { runAsUsr: 1 } }],
];

const onSpec: [string, object][] = [
  ["no containers", { containers: [] }],
  ["an unknown restart policy", { restartPolicy: "Sometimes" }],
  ["an unknown DNS policy", { dnsPolicy: "Own" }],
  [
    "two volumes of one name",
    {
      volumes: [
        { name: "a", emptyDir: {} },
        { name: "a", emptyDir: {} },
      ],
    },
  ],
  ["a volume's name with capitals", { volumes: [{ name: "A", emptyDir: {} }] }],
  ["a volume of two kinds", { volumes: [{ name: "a", emptyDir: {}, secret: { secretName: "x" } }] }],
  ["a volume of nothing", { volumes: [{ name: "a" }] }],
  ["a secret without a name", { volumes: [{ name: "a", secret: {} }] }],
  ["a config map without a name", { volumes: [{ name: "a", configMap: {} }] }],
  ["an unknown medium", { volumes: [{ name: "a", emptyDir: { medium: "Disk" } }] }],
  [
    "volumes with defaults",
    {
      volumes: [
        { name: "a", emptyDir: { medium: "Memory", sizeLimit: "16Mi" } },
        { name: "b", secret: { secretName: "x" } },
        { name: "c", configMap: { name: "y" } },
      ],
    },
  ],
  ["a host alias without an address", { hostAliases: [{ ip: "here", hostnames: ["x"] }] }],
  ["a host alias with capitals", { hostAliases: [{ ip: "127.0.0.1", hostnames: ["X"] }] }],
  [
    "a toleration of seconds without NoExecute",
    { tolerations: [{ key: "a", operator: "Exists", effect: "NoSchedule", tolerationSeconds: 1 }] },
  ],
  ["a toleration that exists with a value", { tolerations: [{ key: "a", operator: "Exists", value: "x" }] }],
  ["a toleration without a key", { tolerations: [{ operator: "Equal", value: "x" }] }],
  ["a toleration with an unknown operator", { tolerations: [{ key: "a", operator: "Is" }] }],
  ["a toleration with an unknown effect", { tolerations: [{ key: "a", operator: "Exists", effect: "No" }] }],
  [
    "own tolerations of lost nodes",
    {
      tolerations: [
        {
          key: "node.kubernetes.io/unreachable",
          operator: "Exists",
          effect: "NoExecute",
          tolerationSeconds: 60,
        },
      ],
    },
  ],
  ["a node selector with a bad value", { nodeSelector: { pool: "no where" } }],
  ["a deadline of zero", { activeDeadlineSeconds: 0 }],
  ["a negative grace", { terminationGracePeriodSeconds: -1 }],
  ["a service account with capitals", { serviceAccountName: "Some" }],
  ["a service account that is not there", { serviceAccountName: "nobody" }],
  ["a priority class that is not there", { priorityClassName: "none" }],
  ["a priority of its own", { priority: 5 }],
  ["a system priority class", { priorityClassName: "system-node-critical" }],
  ["a runtime class that is not there", { runtimeClassName: "none" }],
  ["a host name with dots", { hostname: "a.b" }],
  ["a pull secret without a name", { imagePullSecrets: [{}] }],
  ["a group above all", { securityContext: { fsGroup: 3_000_000_000 } }],
  ["two containers of one name", { containers: [container, container] }],
  [
    "two containers of one port",
    {
      containers: [
        { ...container, ports: [{ containerPort: 80 }] },
        { ...container, name: "b", ports: [{ containerPort: 80 }] },
      ],
    },
  ],
  [
    "a mount twice at one place",
    {
      volumes: [{ name: "io", emptyDir: {} }],
      containers: [
        {
          ...container,
          volumeMounts: [
            { name: "io", mountPath: "/a" },
            { name: "io", mountPath: "/a" },
          ],
        },
      ],
    },
  ],
  ["an unknown field and a wrong type", { nodeSelektor: {}, hostNetwork: "yes" }],
  ["an init container of a container's name", { initContainers: [container] }],
];

const onMetadata: [string, object][] = [
  ["a name with capitals", { name: "Name" }],
  ["no name at all", { name: undefined }],
  ["a label's value with a slash", { labels: { a: "x/y" } }],
  ["a label's key with a space", { labels: { "a b": "x" } }],
  ["a label's value of 64 letters", { labels: { a: "x".repeat(64) } }],
  ["a label's key with two slashes", { labels: { "a/b/c": "x" } }],
  ["an annotation's key with a space", { annotations: { "a b": "x" } }],
  ["a finalizer without a slash", { finalizers: ["mine"] }],
  ["an owner without a uid", { ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: "x" }] }],
  ["another namespace", { namespace: "kube-system" }],
  ["a version", { resourceVersion: "7" }],
  ["labels of numbers", { labels: { a: 1 } }],
];

const merge = "application/merge-patch+json";
const changed = (name: string, body: object): BehaviourCase => ({
  name: `pod change: ${name}`,
  method: "PATCH",
  path: `${pods}/a`,
  contentType: merge,
  body,
});

export const podCases: BehaviourCase[] = [
  ...onContainer.map(([name, own]) => tried(name, { container: own })),
  ...onSpec.map(([name, spec]) => tried(name, { spec })),
  ...onMetadata.map(([name, metadata]) => tried(name, { metadata })),
  {
    name: "pod: created",
    method: "POST",
    path: pods,
    body: pod("a", { metadata: { labels: { job: "a" } } }),
  },
  changed("another label", { metadata: { labels: { job: "b" } } }),
  changed("another image", { spec: { containers: [{ ...container, image: "probe:cc" }] } }),
  changed("another command", { spec: { containers: [{ ...container, command: ["x"] }] } }),
  changed("a deadline", { spec: { activeDeadlineSeconds: 100 } }),
  changed("a longer deadline", { spec: { activeDeadlineSeconds: 200 } }),
  changed("another name", { metadata: { name: "b" } }),
  changed("another uid", { metadata: { uid: "00000000-0000-0000-0000-000000000000" } }),
  changed("a status by the main path", { status: { phase: "Running" } }),
  changed("a restart policy", { spec: { restartPolicy: "Always" } }),
  changed("a finalizer", { metadata: { finalizers: ["example.com/hold"] } }),
  { name: "pod delete: held by a finalizer", method: "DELETE", path: `${pods}/a` },
  { name: "pod delete: once more", method: "DELETE", path: `${pods}/a` },
  changed("another finalizer while it ends", {
    metadata: { finalizers: ["example.com/hold", "example.com/more"] },
  }),
  { name: "pod: the same name while it ends", method: "POST", path: pods, body: pod("a") },
  changed("no finalizer", { metadata: { finalizers: null } }),
  { name: "pod: gone", method: "GET", path: `${pods}/a` },
  { name: "pod: by the worker", method: "POST", path: pods, body: pod("w"), as: "worker" },
  { name: "pod: the worker reads", method: "GET", path: `${pods}/w`, as: "worker" },
  { name: "pod: the worker deletes", method: "DELETE", path: `${pods}/w`, as: "worker" },
  {
    name: "secret: the worker reads",
    method: "GET",
    path: "/api/v1/namespaces/{ns}/secrets/x",
    as: "worker",
  },
  {
    name: "pod: the worker evicts",
    method: "POST",
    path: `${pods}/w/eviction`,
    body: { apiVersion: "policy/v1", kind: "Eviction", metadata: { name: "w" } },
    as: "worker",
  },
  { name: "pod: many deleted, none there", method: "DELETE", path: `${pods}?labelSelector=job%3Dnone` },
  {
    name: "pod: a bad selector",
    method: "GET",
    path: `${pods}?labelSelector=${encodeURIComponent("a in (b")}`,
  },
  {
    name: "pod: the status of one that is not there",
    method: "PATCH",
    path: `${pods}/none/status`,
    contentType: merge,
    body: {},
  },
  { name: "pod: an unknown subresource", method: "GET", path: `${pods}/none/what` },
];
