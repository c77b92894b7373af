// The OpenAPI 3.1 document of the endpoints, made from the schemas that validate them.
// https://spec.openapis.org/oas/v3.1.0

import { z } from "zod";
import type { Access, Endpoint } from "../endpoints/endpoint.ts";
import type { RequestHandler } from "./handler.ts";
import { writeJson } from "./write-answer.ts";

type Json = Record<string, unknown>;

const problemSchema: Json = {
  type: "object",
  required: ["type", "status", "code", "title", "detail"],
  properties: {
    type: { type: "string" },
    status: { type: "integer" },
    code: { type: "string", description: "Stable, for programs." },
    title: { type: "string" },
    detail: { type: "string" },
    hint: { type: "string" },
    problems: {
      type: "array",
      items: { type: "object", properties: { path: { type: "string" }, message: { type: "string" } } },
    },
  },
};

export function openApiDocument(endpoints: readonly Endpoint[], version: string): Json {
  const paths: Record<string, Json> = {};
  for (const endpoint of endpoints) {
    const path = `/api/v1${endpoint.path.replaceAll("...}", "}")}`;
    paths[path] ??= {};
    paths[path][endpoint.method.toLowerCase()] = operationOf(endpoint);
  }
  return {
    openapi: "3.1.0",
    info: { title: "Slipway", version, license: { name: "Apache-2.0", identifier: "Apache-2.0" } },
    servers: [{ url: "/" }],
    tags: [...new Set(endpoints.map(({ tag }) => tag))].map(name => ({ name })),
    paths,
    components: {
      schemas: { Problem: problemSchema },
      securitySchemes: {
        token: { type: "http", scheme: "bearer" },
        session: { type: "apiKey", in: "cookie", name: "slipway" },
      },
    },
  };
}

function operationOf(endpoint: Endpoint): Json {
  const { id, summary, tag, access, creates } = endpoint;
  const body = bodyOf(endpoint);
  return {
    operationId: id,
    summary,
    description: accessText(access),
    "x-slipway-access": access,
    tags: [tag],
    parameters: [
      ...parametersOf(endpoint.params, "path"),
      ...parametersOf(endpoint.query, "query"),
      ...(creates === true
        ? [
            {
              name: "Idempotency-Key",
              in: "header",
              required: false,
              schema: { type: "string", maxLength: 200 },
            },
          ]
        : []),
    ],
    ...(body === undefined ? {} : { requestBody: { required: true, content: body } }),
    responses: {
      [String(endpoint.status ?? 200)]: answerOf(endpoint),
      default: {
        description: "It says no, and why.",
        content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
      },
    },
    security:
      access.to === "anyone" ? [{}, { token: [] }, { session: [] }] : [{ token: [] }, { session: [] }],
  };
}

function accessText(access: Access): string {
  if (access.to === "anyone") return "Open to anyone; what is answered depends on who asks.";
  if (access.to === "person") return "For people who have signed in.";
  if (access.to === "admin") return "For administrators.";
  if (access.to === "worker") return "For workers, with their token.";
  return `Needs the role ${access.role} there.`;
}

function parametersOf(schema: z.ZodObject, place: "path" | "query"): Json[] {
  const { properties = {}, required = [] } = schemaOf(schema, "input") as {
    properties?: Json;
    required?: string[];
  };
  return Object.entries(properties).map(([name, each]) => ({
    ...{ name, in: place, required: place === "path" || required.includes(name), schema: each },
  }));
}

function bodyOf({ body, streams, example }: Endpoint): Json | undefined {
  if (streams?.request !== undefined)
    return { [streams.request]: { schema: { type: "string", format: "binary" } } };
  return isNothing(body) ? undefined : jsonContent(schemaOf(body, "input"), example?.body);
}

function answerOf({ answer, streams, summary, example }: Endpoint): Json {
  if (streams?.answer !== undefined) {
    return { description: summary, content: { [streams.answer]: { schema: { type: "string" } } } };
  }
  if (isNothing(answer)) return { description: "Done." };
  return { description: summary, content: jsonContent(schemaOf(answer, "output"), example?.answer) };
}

function jsonContent(schema: Json, example: unknown): Json {
  return { "application/json": { schema, ...(example === undefined ? {} : { example }) } };
}

function isNothing(schema: z.ZodType): boolean {
  return schema instanceof z.ZodUndefined;
}

function schemaOf(schema: z.ZodType, io: "input" | "output"): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io,
    unrepresentable: "any",
    reused: "inline",
  }) as Json;
  return rest;
}

/** Serves it at `/api/v1/openapi.json`; made when it is first asked for. */
export function openApiHandler(endpoints: readonly Endpoint[], version: string): RequestHandler {
  let document: Json | undefined;
  return async (request, response) => {
    if (request.url?.split("?", 1)[0] !== "/api/v1/openapi.json") return false;
    if (request.method !== "GET" && request.method !== "HEAD") return false;
    document ??= openApiDocument(endpoints, version);
    writeJson(request, response, 200, document);
    return true;
  };
}
