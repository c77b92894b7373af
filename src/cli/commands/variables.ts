// `slipway secrets` (also called `variables`): values that jobs get, of a project, one of its pipelines, or an organisation.

import type { Client } from "../../client/client.ts";
import { type Command, type CommandContext, type FlagValues, UsageError } from "../context.ts";
import { projectOf } from "../find-run.ts";
import { itemsOf, type PageQuery, showList, showOne } from "../pages.ts";
import { askHidden, readInput } from "../prompt.ts";
import { calling, connect, type ServerAccess, textOf } from "../server-access.ts";
import { contentOf } from "./projects.ts";

type Event = "push" | "pull-request" | "schedule" | "manual";
const longest = 65_536;

/** Values come from standard input, a file or a prompt: on the command line everyone on the machine could read them. */
export const variables: Command = (context, [verb = "list", name, ...rest], values) =>
  calling(context, async () => {
    if (!["list", "set", "rm"].includes(verb))
      throw new UsageError(`"${verb}" is not known`, "there are: list, set NAME, rm NAME");
    if (rest.length > 0 || name?.includes("="))
      throw new UsageError(
        "a value does not stand on the command line, where everyone on this machine can read it",
        `type it when asked, or pipe it in: slipway secrets set ${name?.split("=")[0]} < FILE`,
      );
    const access = await connect(context, values);
    const place = await placeOf(context, values, access);
    if (verb === "list") {
      return showList(context, values, {
        items: itemsOf(query => place.list(query)),
        head: ["NAME", "VALUE", "PIPELINE", "BRANCHES", "EVENTS"],
        row: each => [
          each.name,
          each.protected ? "(protected)" : (each.value ?? ""),
          each.pipeline ?? "",
          each.branches?.join(",") ?? "",
          each.events?.join(",") ?? "",
        ],
        none: "no variables",
      });
    }
    if (name === undefined) throw new UsageError("which variable?", `write ${verb} NAME`);
    if (verb === "rm") {
      await place.remove(name);
      return showOne(context, values, { removed: name }, `removed ${name}`);
    }
    const set = await place.set(name, {
      value: await newValue(context, values, name),
      protected: values.plain !== true,
      branches: listOf(values.branch),
      events: listOf(values.event) as Event[] | null,
    });
    return showOne(context, values, set, `set ${name}${set.protected ? " (protected)" : ""}`);
  });

type Variable = Awaited<ReturnType<Client["listVariables"]>>["items"][number];
type NewVariable = Parameters<Client["setVariable"]>[0]["body"];

interface Place {
  list(query: PageQuery): Promise<{ items: Variable[]; next?: string | undefined }>;
  set(name: string, body: NewVariable): Promise<Variable>;
  remove(name: string): Promise<unknown>;
}

/** Where the variables are: an organisation, a project, or one pipeline of it. */
async function placeOf(context: CommandContext, values: FlagValues, access: ServerAccess): Promise<Place> {
  const { client } = access;
  const [organisation, pipeline] = [textOf(values.organisation), textOf(values.pipeline)];
  if (organisation === undefined) {
    const params = await projectOf(context, values, access);
    const query = pipeline === undefined ? {} : { pipeline };
    return {
      list: page => client.listVariables({ params, query: page }),
      set: (name, body) => client.setVariable({ params: { ...params, name }, query, body }),
      remove: name => client.removeVariable({ params: { ...params, name }, query }),
    };
  }
  if (pipeline !== undefined)
    throw new UsageError("--pipeline and --organisation do not go together", "leave one of them out");
  const params = { organisation };
  return {
    list: query => client.listOrganisationVariables({ params, query }),
    set: (name, body) => client.setOrganisationVariable({ params: { ...params, name }, body }),
    remove: name => client.removeOrganisationVariable({ params: { ...params, name } }),
  };
}

async function newValue(context: CommandContext, values: FlagValues, name: string): Promise<string> {
  const file = textOf(values.fromFile);
  if (file !== undefined) return contentOf(context, "--from-file", file);
  if (context.stdin.isTTY) return askHidden(context, `${name}: `);
  // The line end of `echo` is not meant.
  return (await readInput(context, longest + 2)).replace(/\r?\n$/, "");
}

export function listOf(value: FlagValues[string]): string[] | null {
  return Array.isArray(value) ? value : typeof value === "string" ? [value] : null;
}
