// Classes of jobs, and who serves them.

import { z } from "zod";
import { classSettings } from "./class-settings.ts";
import { endpoint } from "./endpoint.ts";
import { none, nothing, organisationName, pageOf, pageQuery } from "./values.ts";

const jobClass = z.strictObject({ name: z.string(), settings: classSettings, workers: z.int() });
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
});
