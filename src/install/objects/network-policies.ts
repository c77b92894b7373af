// Who may speak to whom. Job Pods: nobody in, and out to DNS, the runner listener and the public internet. Platform: people's
// port for all but jobs, the runner listener for jobs, the database for those that need it. Many clusters ignore
// NetworkPolicies: `slipway doctor --cluster` tells.

import type {
  NetworkPolicy,
  NetworkPolicyEgressRule,
  NetworkPolicyPeer,
} from "kubernetes-types/networking/v1.js";
import type { Values } from "../values.ts";
import { databaseUserLabel, nameOf, partLabels, podLabels, ports, type Role } from "./labels.ts";

/** Not the internet: RFC 6890 and what clouds answer metadata at. */
const notTheInternet = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "224.0.0.0/4",
  "240.0.0.0/4",
  // Metadata of a cloud that has it at a public address.
  "168.63.129.16/32",
];
/** The same of IPv6, with the addresses that stand for IPv4 ones. */
const notTheInternet6 = [
  "::/127",
  "64:ff9b::/96",
  "64:ff9b:1::/48",
  "2002::/16",
  "fc00::/7",
  "fe80::/10",
  "ff00::/8",
];

const namespaceName = "kubernetes.io/metadata.name";

export function networkPolicies(values: Values): NetworkPolicy[] {
  const { baseline, restricted } = values.namespaces;
  return [
    ...[baseline, restricted].flatMap(namespace => jobPolicies(values, namespace)),
    ...platformPolicies(values),
  ];
}

function policy(namespace: string, name: string, spec: NonNullable<NetworkPolicy["spec"]>): NetworkPolicy {
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name, namespace, labels: partLabels },
    spec,
  };
}

function jobPolicies(values: Values, namespace: string): NetworkPolicy[] {
  const runners = {
    to: [{ ...inNamespaces([values.namespaces.platform]), podSelector: { matchLabels: podLabels("api") } }],
    ports: tcp(ports.runners),
  };
  return [
    policy(namespace, "slipway-nothing", { podSelector: {}, policyTypes: ["Ingress", "Egress"] }),
    policy(namespace, "slipway-jobs", {
      podSelector: {},
      policyTypes: ["Egress"],
      egress: [dns(values), runners, { to: internet(values) }, ...allowed(values)],
    }),
  ];
}

function dns({ egress }: Values): NetworkPolicyEgressRule {
  return {
    to: [
      {
        ...inNamespaces([egress.dnsNamespace]),
        podSelector: {
          matchExpressions: [
            { key: "k8s-app", operator: "In", values: ["kube-dns", "coredns", "node-local-dns"] },
          ],
        },
      },
      ...egress.dnsAddresses.map(cidr => ({ ipBlock: { cidr } })),
    ],
    ports: [
      { protocol: "UDP", port: 53 },
      { protocol: "TCP", port: 53 },
    ],
  };
}

/** Exceptions must lie within the network that they are made from, so each kind of address has its own. */
function internet({ egress }: Values): NetworkPolicyPeer[] {
  return [
    { ipBlock: { cidr: "0.0.0.0/0", except: [...notTheInternet, ...egress.except] } },
    { ipBlock: { cidr: "::/0", except: [...notTheInternet6, ...egress.except6] } },
  ];
}

function allowed({ egress }: Values): NetworkPolicyEgressRule[] {
  return egress.allow.map(each => ({
    to: [{ ipBlock: { cidr: each.cidr } }],
    ports: each.ports.map(port => ({ protocol: "TCP", port })),
  }));
}

function platformPolicies(values: Values): NetworkPolicy[] {
  const { platform, baseline, restricted } = values.namespaces;
  const toPeople = { from: notJobs(values), ports: tcp(ports.people) };
  const one = (role: Role, spec: Omit<NonNullable<NetworkPolicy["spec"]>, "podSelector">) =>
    policy(platform, nameOf(role), { podSelector: { matchLabels: podLabels(role) }, ...spec });
  const jobsAndLogs = { from: [inNamespaces([baseline, restricted])], ports: tcp(ports.runners) };
  return [
    policy(platform, "slipway-nothing", { podSelector: {}, policyTypes: ["Ingress"] }),
    one("api", { policyTypes: ["Ingress"], ingress: [toPeople, jobsAndLogs] }),
    one("logs", {
      policyTypes: ["Ingress"],
      ingress: [
        toPeople,
        { from: [{ podSelector: { matchLabels: podLabels("api") } }], ports: tcp(ports.runners) },
      ],
    }),
    one("reporter", { policyTypes: ["Ingress"], ingress: [toPeople] }),
    one("worker", {
      policyTypes: ["Ingress", "Egress"],
      ingress: [toPeople],
      // It lives beside jobs: names, the api and the cluster's API, whose address no selector knows.
      egress: [
        dns(values),
        { to: [{ podSelector: { matchLabels: podLabels("api") } }], ports: tcp(ports.people) },
        { ports: [...tcp(443), ...tcp(6443), ...tcp(8443)] },
      ],
    }),
    ...(values.database.kind === "own" ? [databasePolicy(platform)] : []),
  ];
}

function databasePolicy(platform: string): NetworkPolicy {
  return policy(platform, nameOf("database"), {
    podSelector: { matchLabels: podLabels("database") },
    policyTypes: ["Ingress", "Egress"],
    ingress: [
      {
        from: [{ podSelector: { matchLabels: { [databaseUserLabel]: "true" } } }],
        ports: tcp(ports.database),
      },
    ],
    egress: [],
  });
}

/** Everybody in the cluster but jobs, and what the values name outside of it. */
function notJobs({ namespaces, routes }: Values): NetworkPolicyPeer[] {
  return [
    {
      namespaceSelector: {
        matchExpressions: [
          { key: namespaceName, operator: "NotIn", values: [namespaces.baseline, namespaces.restricted] },
        ],
      },
    },
    ...routes.from.map(cidr => ({ ipBlock: { cidr } })),
  ];
}

function inNamespaces(names: string[]): NetworkPolicyPeer {
  return { namespaceSelector: { matchExpressions: [{ key: namespaceName, operator: "In", values: names }] } };
}

function tcp(port: number): [{ protocol: "TCP"; port: number }] {
  return [{ protocol: "TCP", port }];
}
