// The values that many endpoints share: names, ids, times, pages.

import { z } from "zod";
import { roles } from "./endpoint.ts";

export const id = z.string().regex(/^[0-9a-f]{24}$/, "24 hexadecimal digits");
export const number = z.int().positive();
export const organisationName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "small letters, digits and `-`, at most 63");
export const userName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, "small letters, digits, `.`, `_` and `-`, at most 63");
export const projectName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, "letters, digits, `.`, `_` and `-`, at most 100");
export const variableName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,254}$/, "letters, digits and `_`, not beginning with a digit");
/** No control characters: it comes back in lists, mails and terminals. */
export const shortText = z
  .string()
  .max(255)
  .regex(/^\P{Cc}*$/u, "no control characters");
export const branch = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[^\p{Cc}\s~^:?*[\\]+$/u, "a branch's name");
export const commit = z.string().regex(/^[0-9a-f]{7,64}$/, "a commit's hexadecimal id");
export const time = z.iso.datetime();
export const role = z.enum(roles);
export const outcome = z.enum(["passed", "failed", "timed-out", "canceled", "skipped", "broken"]);
/** Params or query without fields. */
export const nothing = z.strictObject({});
/** No body, no answer. */
export const none = z.undefined();

export const organisationParams = z.strictObject({ organisation: organisationName });
export const projectParams = z.strictObject({ organisation: organisationName, project: projectName });
export const runParams = z.strictObject({ run: id });
export const jobParams = z.strictObject({ job: id });

/** Query of a list: `after` is `next` of the page before. */
export const pageQuery = z.strictObject({
  after: z.string().max(8000).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

/** A page of a list. There is no count: `next` is absent on the last page. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.strictObject({ items: z.array(item), next: z.string().optional() });
}

/** Variables of a trigger. Values are kept encrypted. */
export const variableValues = z
  .record(variableName, z.string().max(65_536))
  .refine(values => Object.keys(values).length <= 200, "at most 200 variables");

/** Text of a stranger that is kept: cut at `max` characters, and without what the database does not take. */
export function storableText(max: number) {
  return z.string().transform(text => text.slice(0, max).replaceAll("\0", "\ufffd").toWellFormed());
}
