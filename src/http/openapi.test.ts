import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { endpointList } from "../endpoints/table.ts";
import { openApiDocument } from "./openapi.ts";

type Content = Record<string, { schema: object; example?: unknown }>;
interface Operation {
  operationId: string;
  tags: string[];
  parameters: { name: string; in: string }[];
  requestBody?: { content: Content };
  responses: Record<string, { content?: Content }>;
}

const document = openApiDocument(endpointList, "1.0.0") as {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
};
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

test("every endpoint stands in the document, once", () => {
  expect(document.openapi).toBe("3.1.0");
  expect(operations.map(({ operation }) => operation.operationId).sort()).toEqual(
    endpointList.map(({ id }) => id).sort(),
  );
});

test("every parameter of a path is declared, and no other", () => {
  for (const { path, operation } of operations) {
    const named = [...path.matchAll(/\{(\w+)\}/g)].map(match => match[1]).sort();
    const declared = operation.parameters.filter(each => each.in === "path").map(({ name }) => name);
    expect(declared.sort(), path).toEqual(named);
  }
});

const ajv = new Ajv2020({ strict: false, validateFormats: false });

test("every schema is one by the rules of JSON Schema 2020-12", () => {
  for (const { operation } of operations) {
    const contents = [
      operation.requestBody?.content,
      ...Object.values(operation.responses).map(each => each.content),
    ];
    for (const content of contents.filter(each => each !== undefined)) {
      for (const { schema } of Object.values(content)) {
        if ("$ref" in schema) expect(schema.$ref).toBe("#/components/schemas/Problem");
        else expect(() => ajv.compile(schema), operation.operationId).not.toThrow();
      }
    }
  }
});

test("no endpoint with a body takes fields that nobody declared", () => {
  for (const { operation } of operations) {
    const schema = operation.requestBody?.content["application/json"]?.schema as
      | { additionalProperties?: boolean; type?: string }
      | undefined;
    if (schema?.type === "object") expect(schema.additionalProperties, operation.operationId).toBe(false);
  }
});

describe("examples", () => {
  const ofPeople = operations.filter(({ operation }) => !operation.tags.includes("worker"));
  const json = (content: Content | undefined) => content?.["application/json"];

  test("stand at every JSON body and answer that people meet, and keep to its schema", () => {
    for (const { operation } of ofPeople) {
      const answer = Object.entries(operation.responses).find(([status]) => status !== "default");
      for (const content of [json(operation.requestBody?.content), json(answer?.[1].content)]) {
        if (content === undefined) continue;
        expect(content, operation.operationId).toHaveProperty("example");
        const valid = ajv.compile(content.schema);
        expect(valid(content.example), `${operation.operationId}: ${ajv.errorsText(valid.errors)}`).toBe(
          true,
        );
      }
    }
  });

  test("are taken by the check that calls go through, and stand nowhere else", () => {
    for (const { id, body, answer, example } of endpointList) {
      if (example === undefined) continue;
      expect(body.safeParse(example.body).error, id).toBeUndefined();
      expect(answer.safeParse(example.answer).error, id).toBeUndefined();
    }
  });
});
