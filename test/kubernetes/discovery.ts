// What kubectl asks before anything else: versions, groups, resources, health.

import { apiVersionOf, resources } from "./resources.ts";

const verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/** Undefined for a path that is none of discovery's. Texts answer as text. */
export function discoveryAnswer(path: string): unknown {
  if (/^\/(healthz|livez|readyz)(\/.*)?$/.test(path)) return "ok";
  const clean = path.replace(/\/+$/, "");
  if (clean === "/version") return version;
  if (clean === "/api") {
    const addresses = [{ clientCIDR: "0.0.0.0/0", serverAddress: "127.0.0.1:443" }];
    return { kind: "APIVersions", versions: ["v1"], serverAddressByClientCIDRs: addresses };
  }
  if (clean === "/apis") return { kind: "APIGroupList", apiVersion: "v1", groups: groups().map(groupOf) };
  if (clean === "/openapi/v3") {
    const all = [...new Set(resources.map(each => pathOf(apiVersionOf(each))))];
    return {
      paths: Object.fromEntries(all.map(each => [each, { serverRelativeURL: `/openapi/v3/${each}` }])),
    };
  }
  if (clean.startsWith("/openapi/v3/")) return schemaOf(clean.slice("/openapi/v3/".length));
  const [, root, group, groupVersion] = /^\/(apis?)\/([^/]+)(?:\/([^/]+))?$/.exec(clean) ?? [];
  if (root === "api" && group === "v1" && groupVersion === undefined) return resourceList("v1");
  if (root !== "apis" || group === undefined) return undefined;
  if (groupVersion !== undefined) return resourceList(`${group}/${groupVersion}`);
  return groups().includes(group) ? { kind: "APIGroup", apiVersion: "v1", ...groupOf(group) } : undefined;
}

const version = {
  major: "1",
  minor: "32",
  gitVersion: "v1.32.0",
  gitCommit: "",
  gitTreeState: "clean",
  buildDate: "2024-12-11T18:05:36Z",
  goVersion: "go1.23.3",
  compiler: "gc",
  platform: "linux/amd64",
};

const groups = () => [...new Set(resources.map(each => each.group))].filter(group => group !== "");

function groupOf(name: string) {
  const { version } = resources.find(each => each.group === name)!;
  const only = { groupVersion: `${name}/${version}`, version };
  return { name, versions: [only], preferredVersion: only };
}

const pathOf = (apiVersion: string) =>
  apiVersion.includes("/") ? `apis/${apiVersion}` : `api/${apiVersion}`;

function resourceList(groupVersion: string) {
  const found = resources.filter(each => apiVersionOf(each) === groupVersion);
  if (found.length === 0) return undefined;
  const rows = found.flatMap(
    ({ plural, singular, kind, namespaced, shortNames, subresources, transient }) => [
      {
        name: plural,
        singularName: singular,
        namespaced,
        kind,
        verbs: transient ? ["create"] : verbs,
        ...(shortNames.length === 0 ? {} : { shortNames }),
      },
      ...subresources.map(sub => ({
        name: `${plural}/${sub}`,
        singularName: "",
        namespaced,
        kind,
        verbs: sub === "status" ? ["get", "patch", "update"] : ["create"],
      })),
    ],
  );
  return { kind: "APIResourceList", apiVersion: "v1", groupVersion, resources: rows };
}

/** Just enough for kubectl to see that fields are validated here. */
function schemaOf(path: string) {
  const found = resources.filter(each => pathOf(apiVersionOf(each)) === path);
  if (found.length === 0) return undefined;
  const parameters = ["dryRun", "fieldManager", "fieldValidation", "force"].map(name => ({
    name,
    in: "query",
    schema: { type: "string" },
  }));
  const paths = found.map(({ group, version, kind, plural, namespaced }) => [
    `/${path}${namespaced ? "/namespaces/{namespace}" : ""}/${plural}/{name}`,
    { patch: { parameters, "x-kubernetes-group-version-kind": { group, version, kind } } },
  ]);
  const info = { title: "stand-in", version: "v1.32.0" };
  return { openapi: "3.0.0", info, paths: Object.fromEntries(paths), components: { schemas: {} } };
}
