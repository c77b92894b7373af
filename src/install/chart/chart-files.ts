// The Helm chart, made of the same functions as `slipway install`. What is written here by hand is only what those do not have: the
// Secret that is made once, and the contradictions that are refused.

import { stringify } from "yaml";
import { accountObjects } from "../objects/accounts.ts";
import { databaseObjects } from "../objects/database.ts";
import { deploymentObjects } from "../objects/deployments.ts";
import { jobLimitObjects, priorityClasses } from "../objects/job-limits.ts";
import { namespaceObjects } from "../objects/namespaces.ts";
import { networkPolicies } from "../objects/network-policies.ts";
import type { KubernetesObject } from "../objects/platform-objects.ts";
import { blobsClaim, serviceObjects } from "../objects/services.ts";
import { profiles, type Values } from "../values.ts";
import { valueRows, valuesJsonSchema } from "../values-table.ts";
import { markedValues, switches } from "./marked-values.ts";
import { writeTemplates } from "./write-template.ts";

const concerns: Record<string, (values: Values) => KubernetesObject[]> = {
  namespaces: namespaceObjects,
  accounts: accountObjects,
  "network-policies": networkPolicies,
  "job-limits": values => [...priorityClasses(), ...jobLimitObjects(values)],
  blobs: blobsClaim,
  services: serviceObjects,
  database: databaseObjects,
  deployments: deploymentObjects,
};

/** What Helm must not delete with a release: it holds data. */
export function chartObjects(values: Values): KubernetesObject[] {
  return Object.values(concerns).flatMap(objects => objects(values).map(kept));
}

function kept(object: KubernetesObject): KubernetesObject {
  if (object.kind !== "Namespace" && object.kind !== "PersistentVolumeClaim") return object;
  return {
    ...object,
    metadata: { ...object.metadata, annotations: { "helm.sh/resource-policy": "keep" } },
  };
}

const plain = { aliasDuplicateObjects: false };
const made = "# Made by `npm run helm` from src/install: changes belong there.\n";

/** Path below the chart -> text. Takes some seconds. */
export function chartFiles(version: string): Map<string, string> {
  const files = new Map<string, string>([
    ["Chart.yaml", made + stringify(chartOf(version))],
    ["values.yaml", made + usualValues()],
    ["values-minikube.yaml", made + stringify(profiles.minikube, plain)],
    ["values-kind.yaml", made + stringify(profiles.kind, plain)],
    ["values.schema.json", `${JSON.stringify(valuesJsonSchema(), undefined, 2)}\n`],
    ["templates/checks.yaml", made + checks],
    ["templates/secret.yaml", made + secret],
    ["templates/NOTES.txt", notes],
  ]);
  for (const [name, objects] of Object.entries(concerns)) {
    const texts = writeTemplates(
      (assignment, twice) =>
        new Map(objects(markedValues(assignment, twice)).map(object => [keyOf(object), kept(object)])),
      switches,
    );
    files.set(`templates/${name}.yaml`, made + [...texts.values()].map(text => `---\n${text}\n`).join(""));
  }
  return files;
}

function keyOf({ kind, metadata }: KubernetesObject): string {
  return `${kind} ${metadata?.namespace} ${metadata?.name}`;
}

function chartOf(version: string): object {
  return {
    apiVersion: "v2",
    name: "slipway",
    description: "A container-native CI/CD platform: jobs as dynamic Pods",
    type: "application",
    version,
    appVersion: version,
    kubeVersion: ">=1.27.0-0",
  };
}

/** Every value as it is unless told, with its meaning above it. */
function usualValues(): string {
  const lines: string[] = [];
  let open: string[] = [];
  for (const { path, usual, meaning } of valueRows()) {
    const parts = path.split(".");
    const above = parts.slice(0, -1);
    const same = above.findIndex((part, at) => part !== open[at]);
    const from = same === -1 ? above.length : same;
    for (const [at, part] of above.slice(from).entries()) lines.push(`${"  ".repeat(from + at)}${part}:`);
    open = above;
    const pad = "  ".repeat(above.length);
    lines.push(`${pad}# ${meaning}`, `${pad}${parts.at(-1)}: ${JSON.stringify(usual)}`);
  }
  return `${lines.join("\n")}\n`;
}

const checks = `{{- if and (eq $.Values.blobs.kind "s3") (not $.Values.blobs.s3.address) }}
{{- fail "blobs.s3.address is missing: name a bucket, or set blobs.kind to volume" }}
{{- end }}
{{- if and (eq $.Values.database.kind "external") (not $.Values.database.secret) }}
{{- fail "database.secret is missing, and database.kind is external" }}
{{- end }}
{{- if and (eq $.Values.routes.kind "httproute") (not $.Values.routes.gateway.name) }}
{{- fail "routes.gateway.name is missing, and routes.kind is httproute" }}
{{- end }}
{{- if and (eq $.Values.blobs.kind "volume") (eq $.Values.blobs.volume.accessMode "ReadWriteOnce") $.Values.nodeClasses }}
{{- fail "blobs.volume.accessMode ReadWriteOnce is for a cluster of one node" }}
{{- end }}
`;

/** What is there stays, what it lacks is made: as ensureSecret does it. */
const secret = `{{- $found := lookup "v1" "Secret" $.Values.namespaces.platform $.Values.secret }}
{{- $data := dict }}
{{- if $found.data }}
{{- $data = $found.data }}
{{- end }}
{{- if and (eq $.Values.database.kind "own") (ne (hasKey $data "databasePassword") (hasKey $data "databaseUrl")) }}
{{- fail "the Secret has only one of databasePassword and databaseUrl: add the other one, or remove both where there is no database yet" }}
{{- end }}
apiVersion: v1
kind: Secret
metadata:
  name: {{ $.Values.secret | quote }}
  namespace: {{ $.Values.namespaces.platform | quote }}
  labels:
    app.kubernetes.io/part-of: "slipway"
    slipway.dev/install: "slipway"
  annotations:
    helm.sh/resource-policy: "keep"
type: Opaque
{{- if $data }}
data:
{{- range $key, $value := $data }}
  {{ $key | quote }}: {{ $value | quote }}
{{- end }}
{{- end }}
stringData:
{{- if not (hasKey $data "secretKey") }}
  secretKey: {{ randBytes 32 | quote }}
{{- end }}
{{- if not (hasKey $data "workerToken") }}
  workerToken: "sww_{{ randAlphaNum 43 }}"
{{- end }}
{{- if and (eq $.Values.database.kind "own") (not (hasKey $data "databaseUrl")) }}
{{- $password := randAlphaNum 32 }}
  databasePassword: {{ $password | quote }}
  databaseUrl: "postgres://slipway:{{ $password }}@slipway-database.{{ $.Values.namespaces.platform }}.svc:5432/postgres"
{{- end }}
`;

const notes = `Slipway will run at {{ $.Values.url }}

A token of its administrator:
  kubectl -n {{ $.Values.namespaces.platform }} exec deploy/slipway-api -- node /app/dist/cli/main.js server --admin-token
Which guards of the cluster truly hold against a job:
  slipway doctor --cluster
`;
