// Classes of jobs, and who serves them.

import { z } from "zod";
import { classSettings } from "./class-settings.ts";
import { endpoint } from "./endpoint.ts";
import { none, nothing, organisationName, pageOf, pageQuery } from "./values.ts";

const jobClass = z.strictObject({ name: z.string(), settings: classSettings, workers: z.int() });
const exampleSettings: z.output<typeof classSettings> = {
  memoryBytes: 4_294_967_296,
  cpu: 2,
  timeoutMs: 3_600_000,
  pod: { nodeSelector: { pool: "builds" } },
};
const exampleClass: z.output<typeof jobClass> = { name: "large", settings: exampleSettings, workers: 2 };
export const listClasses = endpoint({
  id: "listClasses",
  method: "GET",
  path: "/classes",
  tag: "queue",
  summary: "Classes of jobs, what they allow, and how many workers serve them",
  access: { to: "person" },
  params: nothing,
  query: pageQuery,
  body: none,
  answer: pageOf(jobClass),
  example: { answer: { items: [exampleClass] } },
});
export const setClass = endpoint({
  id: "setClass",
  method: "PUT",
  path: "/classes/{class}",
  tag: "queue",
  summary: "Set what a class of jobs allows",
  access: { to: "admin" },
  params: z.strictObject({ class: organisationName }),
  query: nothing,
  body: classSettings,
  answer: jobClass,
  example: { body: exampleSettings, answer: exampleClass },
});
