// The chart in deploy/helm is what the functions make today, and rendered it gives the same objects as they, for values as teams
// have them and for any.

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { installations, valueFiles } from "../fixtures/installations.ts";
import { renderTemplate } from "../fixtures/render-chart.ts";
import { merge, readValues } from "../read-values.ts";
import { profileNames, type Values, type ValuesInput, valuesSchema } from "../values.ts";
import { chartFiles, chartObjects } from "./chart-files.ts";

const place = path.join(import.meta.dirname, "..", "..", "..", "deploy", "helm", "slipway");
const read = (file: string) => readFileSync(path.join(place, file), "utf8");
const templates = readdirSync(path.join(place, "templates")).filter(name => name.endsWith(".yaml"));

function rendered(values: object): Map<string, unknown> {
  const objects = templates
    .flatMap(name => parseAllDocuments(renderTemplate(read(`templates/${name}`), values)))
    .flatMap(document => {
      expect(document.errors).toEqual([]);
      const object = document.toJS() as Named | null;
      return object === null ? [] : [object];
    });
  return keyed(objects);
}

interface Named {
  kind?: string;
  metadata?: { name?: string; namespace?: string };
}

function keyed(objects: Named[]): Map<string, unknown> {
  return new Map(
    objects.map(each => [`${each.kind} ${each.metadata?.namespace} ${each.metadata?.name}`, each]),
  );
}

/** The Secret is Helm's alone. */
function expectSame(values: Values): void {
  const [ours, theirs] = [keyed(chartObjects(values)), rendered(values)];
  expect(theirs.delete(`Secret ${values.namespaces.platform} ${values.secret}`)).toBe(true);
  expect([...theirs.keys()].sort()).toEqual([...ours.keys()].sort());
  for (const [key, object] of ours) {
    // An entry of what teams set more is told in another order.
    expect(inOrder(theirs.get(key)), key).toEqual(inOrder(object));
  }
}

function inOrder(object: unknown): unknown {
  return JSON.parse(JSON.stringify(object), (key, value) =>
    key === "env"
      ? [...value].sort((a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1))
      : value,
  );
}

test("what lies in deploy/helm is what the functions make today (`npm run helm`)", () => {
  const { version } = JSON.parse(readFileSync(path.join(place, "..", "..", "..", "package.json"), "utf8"));
  const files = chartFiles(version);
  const there = readdirSync(place, { recursive: true, withFileTypes: true }).filter(each => each.isFile());
  expect(there.map(each => path.relative(place, path.join(each.parentPath, each.name))).sort()).toEqual(
    [...files.keys()].sort(),
  );
  for (const [name, text] of files) expect(read(name) === text, name).toBe(true);
}, 120_000);

test.each(Object.entries(installations))("%s: chart and functions give the same", (_name, values) => {
  expectSame(values);
});

test.each(Object.entries(valueFiles))(
  "%s: Helm's merging of values gives the same as ours",
  (name, [profile, text]) => {
    const profiled = profile === "production" ? {} : parse(read(`values-${profile}.yaml`));
    const merged = merge(merge(parse(read("values.yaml")), profiled), parse(text) ?? {});
    expect(valuesSchema.parse(merged)).toEqual(installations[name]);
  },
);

test("any values: chart and functions give the same", () => {
  const maybe = (text: string) => fc.constantFrom("", text);
  const role = fc.record({ scale: fc.boolean(), replicas: fc.integer({ min: 1, max: 90 }) });
  const input: fc.Arbitrary<ValuesInput> = fc.record({
    nodeClasses: fc.boolean(),
    scrape: fc.boolean(),
    caConfigMap: maybe("authority"),
    knownHostsConfigMap: maybe("known-hosts"),
    forwardSecret: maybe("forward"),
    image: fc.record({
      pullSecrets: fc.constantFrom([], ["one"], ["one", "two"]),
      name: fc.constant('a "quoted" image'),
    }),
    api: role,
    logs: role,
    reporter: role,
    worker: fc.record({
      scale: fc.boolean(),
      capacity: fc.integer({ min: 1, max: 10_000 }),
      classes: fc.constantFrom(["a"], ["a", "b"]),
    }),
    database: fc.record({
      kind: fc.constantFrom("own", "external"),
      secret: fc.constant("db"),
      storageClass: maybe("fast"),
    }),
    blobs: fc.record({
      kind: fc.constantFrom("s3", "volume"),
      s3: fc.record({ address: fc.constant("s3://b"), secret: maybe("keys") }),
      volume: fc.record({
        accessMode: fc.constantFrom("ReadWriteMany", "ReadWriteOnce"),
        storageClass: maybe("nfs"),
      }),
    }),
    routes: fc.record({
      kind: fc.constantFrom("ingress", "httproute", "none"),
      className: maybe("nginx"),
      tlsSecret: maybe("tls"),
      annotations: fc.constantFrom({}, { "a.b/c": 'x "y"' }),
      gateway: fc.record({ name: fc.constant("gate"), namespace: maybe("gates") }),
      from: fc.constantFrom([], ["1.2.3.0/24", "fd00::/8"]),
      trustedProxies: fc.constantFrom([], ["10.1.0.0/16"], ["10.1.0.0/16", "fd00::/8"]),
    }),
    jobs: fc.record({
      quota: fc.constantFrom({}, { pods: "7", "requests.cpu": "9" }),
      defaultLimits: fc.constantFrom({}, { memory: "1Gi" }),
    }),
    egress: fc.record({
      except: fc.constantFrom([], ["203.0.113.0/24"]),
      allow: fc.constantFrom(
        [],
        [
          { cidr: "10.0.0.1/32", ports: [22] },
          { cidr: "10.0.0.2/32", ports: [443, 8443] },
        ],
      ),
      dnsAddresses: fc.constantFrom([], ["169.254.20.10/32"]),
    }),
    settings: fc.constantFrom({}, { SLIPWAY_RETENTION_DAYS: "30", SLIPWAY_A: "1" }),
  }) as fc.Arbitrary<ValuesInput>;
  const possible = (values: Values) =>
    !(
      values.nodeClasses &&
      values.blobs.kind === "volume" &&
      values.blobs.volume.accessMode === "ReadWriteOnce"
    );
  fc.assert(
    fc.property(input.map(each => valuesSchema.parse(each)).filter(possible), values => expectSame(values)),
    { numRuns: 60 },
  );
}, 120_000);

test("Helm keeps what the Secret has, and makes what it lacks", () => {
  const values = installations.kind!;
  const of = (data: Record<string, string>) =>
    parse(renderTemplate(read("templates/secret.yaml"), values, { data })) as {
      data?: object;
      stringData: object | null;
    };
  expect(Object.keys(of({}).stringData!)).toEqual([
    ...["secretKey", "workerToken"],
    ...["databasePassword", "databaseUrl"],
  ]);
  const before = { secretKey: "YQ==", workerToken: "Yg==" };
  const completed = of(before);
  expect(completed.data).toEqual(before);
  expect(Object.keys(completed.stringData!)).toEqual(["databasePassword", "databaseUrl"]);
  expect(of({ ...before, databasePassword: "Yw==", databaseUrl: "ZA==" }).stringData).toBeNull();
  expect(() => of({ ...before, databaseUrl: "ZA==" })).toThrow("only one of");
});

test("what cannot work is refused by both", () => {
  for (const [text, said] of [
    ["database: { kind: external }\nblobs: { s3: { address: s3://b } }", "database.secret"],
    ["{}", "blobs.s3.address"],
    ["blobs: { kind: volume, volume: { accessMode: ReadWriteOnce } }", "ReadWriteOnce"],
    ["routes: { kind: httproute }\nblobs: { s3: { address: s3://b } }", "routes.gateway.name"],
  ] as const) {
    const ours = readValues(text, "production");
    expect(ours.ok ? "" : ours.refusal.message).toContain(said);
    const merged = merge(parse(read("values.yaml")), parse(text));
    expect(() => renderTemplate(read("templates/checks.yaml"), merged)).toThrow(said);
  }
  expect(profileNames).toContain("production");
});
