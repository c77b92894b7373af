// The JSON Schema (draft 2020-12) of `slipway.yml`, made from the table of keys. For editors: it completes and explains
// keys and marks what cannot be; the last word has the loader.

import { fileKeys, type KeyRow, type Schema } from "./file-keys.ts";
import { eventNames } from "./read-step-settings.ts";

const ref = (name: string): Schema => ({ $ref: `#/$defs/${name}` });
const scalarTypes = ["string", "number", "boolean", "null"];

/** The schema as text with a final newline: what `slipway schema` prints and `schema/slipway.schema.json` holds. */
export function schemaText(): string {
  return `${JSON.stringify(jsonSchema(), undefined, 2)}\n`;
}

function jsonSchema(): Schema {
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Slipway pipeline file",
    description: "slipway.yml: box, services, pipelines and workflows of a project.",
    type: "object",
    properties: propertiesOf(fileKeys.file),
    patternProperties: { "^(?:\\.|x-)": { description: "Place for anchors; ignored." } },
    additionalProperties: { anyOf: [ref("pipeline"), { type: "null" }] },
    $defs: { ...values(), ...parts() },
  };
}

function propertiesOf(rows: readonly KeyRow[]): Schema {
  return Object.fromEntries(rows.map(row => [row.name, { description: row.description, ...row.schema }]));
}

/** A map with the keys of the rows and no others. */
function mapOf(rows: readonly KeyRow[], rest: Schema = {}): Schema {
  return { type: "object", properties: propertiesOf(rows), additionalProperties: false, ...rest };
}

/** Simple values. */
function values(): Schema {
  const text = { type: "string", minLength: 1 };
  const quantity = (pattern: string) => ({
    anyOf: [
      { type: "number", minimum: 0 },
      { type: "string", pattern },
    ],
  });
  return {
    scalar: { type: scalarTypes },
    texts: {
      anyOf: [
        { type: ["string", "number", "boolean"] },
        { type: "array", items: { type: ["string", "number", "boolean"] } },
      ],
    },
    duration: quantity(
      "^(?:\\d+(?:\\.\\d+)?|(?=.)(?:\\d+(?:\\.\\d+)?d)?(?:\\d+(?:\\.\\d+)?h)?(?:\\d+(?:\\.\\d+)?m)?(?:\\d+(?:\\.\\d+)?s)?)$",
    ),
    minutes: ref("duration"),
    size: quantity("^\\d+(?:\\.\\d+)? ?(?:Ki|Mi|Gi|Ti|k|K|M|G|T)?B?$"),
    cpu: quantity("^(?:\\d+(?:\\.\\d+)?|\\d+m)$"),
    days: quantity("^\\d{1,6}[dw]?$"),
    events: oneOrMoreOf(eventNames),
    results: oneOrMoreOf(["passed", "failed", "always"]),
    variables: { type: ["object", "null"], additionalProperties: ref("scalar") },
    options: { type: ["object", "null"], additionalProperties: ref("scalar") },
    matrix: {
      type: "object",
      additionalProperties: ref("texts"),
      propertyNames: { pattern: "^[A-Za-z_][A-Za-z0-9_-]{0,63}$", not: { enum: ["include", "exclude"] } },
    },
    schedules: {
      anyOf: [text, ref("schedule"), { type: "array", items: { anyOf: [text, ref("schedule")] } }],
    },
  };
}

/** What the file is put together from. */
function parts(): Schema {
  const steps = { anyOf: [{ type: "array", items: ref("step") }, { type: "null" }] };
  return {
    box: { anyOf: [{ type: scalarTypes }, mapOf(fileKeys.box, { required: ["id"] })] },
    service: {
      anyOf: [{ type: ["string", "number", "boolean"] }, mapOf(fileKeys.service, { required: ["id"] })],
    },
    pipeline: {
      type: "object",
      properties: propertiesOf(fileKeys.pipeline),
      additionalProperties: { description: "Deploy target: steps to run in place of steps.", ...steps },
    },
    step: {
      anyOf: [{ type: ["string", "number", "boolean"], minLength: 1 }, ref("nestedStep"), ref("flatStep")],
    },
    stepOptions: {
      type: "object",
      properties: propertiesOf(fileKeys.step),
      additionalProperties: ref("scalar"),
    },
    nestedStep: {
      description: "The step's id and, below it, its options.",
      type: "object",
      minProperties: 1,
      maxProperties: 1,
      additionalProperties: ref("stepOptions"),
      properties: { script: { ...ref("stepOptions"), description: "Commands, under code." } },
    },
    flatStep: {
      description: "The first key is the step's id; the others, with the same indent, are its options.",
      minProperties: 2,
      ...ref("stepOptions"),
    },
    workflow: mapOf(fileKeys.workflow, { required: ["name", "pipelines"] }),
    entry: mapOf(fileKeys.entry, { required: ["name"] }),
    trigger: {
      anyOf: [oneOrMoreOf(["push", "pullRequest", "manual"]), mapOf(fileKeys.trigger)],
    },
    push: nullable(mapOf(fileKeys.push)),
    pullRequest: nullable(mapOf(fileKeys.pullRequest)),
    run: mapOf(fileKeys.run, { required: ["workflows"] }),
    runOutcomes: oneOrMoreOf(["passed", "failed"]),
    schedule: mapOf(fileKeys.schedule, { required: ["cron"] }),
    when: { anyOf: [ref("results"), mapOf(fileKeys.when)] },
    retry: { anyOf: [{ type: "integer", minimum: 1, maximum: 10 }, mapOf(fileKeys.retry)] },
    resources: mapOf(fileKeys.resources),
    concurrency: {
      anyOf: [{ type: ["string", "number"] }, mapOf(fileKeys.concurrency, { required: ["group"] })],
    },
    cache: { anyOf: [ref("texts"), mapOf(fileKeys.cache, { required: ["paths"] })] },
    artifact: mapOf(fileKeys.artifact, { required: ["paths"] }),
    artifacts: {
      anyOf: [
        { type: "string" },
        ref("artifact"),
        { type: "array", items: { anyOf: [{ type: "string" }, ref("artifact")] } },
      ],
    },
    checkout: mapOf(fileKeys.checkout),
    ready: {
      anyOf: [
        { type: "integer", minimum: 1, maximum: 65535 },
        { type: "string" },
        mapOf(fileKeys.ready, { oneOf: [{ required: ["port"] }, { required: ["command"] }] }),
      ],
    },
  };
}

function nullable(schema: Schema): Schema {
  return { anyOf: [schema, { type: "null" }] };
}

function oneOrMoreOf(names: string[]): Schema {
  return { anyOf: [{ enum: names }, { type: "array", items: { enum: names } }] };
}
