// `slipway tokens`: personal ones, those of a project, those of workers.

import type { Client } from "../../client/client.ts";
import { type Command, type FlagValues, UsageError } from "../context.ts";
import { type ProjectName, readProject } from "../find-run.ts";
import { itemsOf, type PageQuery, showList, showOne } from "../pages.ts";
import { calling, connect, textOf } from "../server-access.ts";
import { wholeOf } from "./runs.ts";
import { listOf } from "./variables.ts";

type Role = "owner" | "maintainer" | "reporter" | "reader";
type Token = Awaited<ReturnType<Client["listTokens"]>>["items"][number];

/** The three kinds have calls of their own, which do the same. */
interface Kind {
  list(query: PageQuery): Promise<{ items: Token[]; next?: string | undefined }>;
  create(name: string, values: FlagValues): Promise<{ id: number; secret: string }>;
  revoke(token: number): Promise<unknown>;
}

export const tokens: Command = (context, [verb = "list", name], values) =>
  calling(context, async () => {
    if (!["list", "create", "revoke"].includes(verb))
      throw new UsageError(`"${verb}" is not known`, "there are: list, create NAME, revoke ID");
    const project = textOf(values.project);
    if (values.worker === true && project !== undefined)
      throw new UsageError("--worker and --project do not go together", "leave one of them out");
    const { client } = await connect(context, values);
    const kind =
      values.worker === true
        ? ofWorkers(client)
        : project === undefined
          ? personal(client)
          : ofProject(client, readProject(project));
    if (verb === "list") {
      return showList(context, values, {
        items: itemsOf(query => kind.list(query)),
        head: ["ID", "NAME", "MAY", "EXPIRES", "LAST USED"],
        row: each => [
          String(each.id),
          each.name,
          each.role ?? (each.classes.join(",") || "all"),
          each.expiresAt ?? "never",
          each.lastUsedAt ?? "never",
        ],
        none: "no tokens",
      });
    }
    if (name === undefined)
      throw new UsageError(
        verb === "revoke" ? "which token?" : "what is the token called?",
        `write ${verb} ${verb === "revoke" ? "ID" : "NAME"}`,
      );
    if (verb === "revoke") {
      const id = wholeOf("ID", name, { usual: 0, most: Number.MAX_SAFE_INTEGER });
      await kind.revoke(id);
      return showOne(context, values, { revoked: id }, `revoked ${id}`);
    }
    const made = await kind.create(name, values);
    if (values.json !== true) await context.err.write(`token ${made.id}, shown this once:\n`);
    return showOne(context, values, made, made.secret);
  });

function personal(client: Client): Kind {
  return {
    list: query => client.listTokens({ query }),
    create: (name, values) => client.createToken({ body: { name, ...roleOf(values), ...daysOf(values) } }),
    revoke: token => client.revokeToken({ params: { token } }),
  };
}

function ofProject(client: Client, params: ProjectName): Kind {
  return {
    list: query => client.listProjectTokens({ params, query }),
    create: (name, values) =>
      client.createProjectToken({
        params,
        body: { name, ...(roleOf(values) as { role?: "reader" }), ...daysOf(values) },
      }),
    revoke: token => client.revokeProjectToken({ params: { ...params, token } }),
  };
}

function ofWorkers(client: Client): Kind {
  return {
    list: query => client.listWorkerTokens({ query }),
    create: (name, values) =>
      client.createWorkerToken({
        body: { name, classes: listOf(values.class) ?? ["default"], ...daysOf(values) },
      }),
    revoke: token => client.revokeWorkerToken({ params: { token } }),
  };
}

function roleOf(values: FlagValues): { role?: Role } {
  const role = textOf(values.role);
  return role === undefined ? {} : { role: role as Role };
}

function daysOf({ days }: FlagValues): { days?: number | null } {
  if (days === undefined) return {};
  return { days: days === "never" ? null : wholeOf("--days", days, { usual: 90, most: 3650 }) };
}
