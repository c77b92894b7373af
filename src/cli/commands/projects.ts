// `slipway projects`, `secrets`, `tokens`: what is set up on a server.

import { readFileSync } from "node:fs";
import { type Command, type FlagValues, UsageError } from "../context.ts";
import { askHidden } from "../prompt.ts";
import { calling, connect, projectOf, readProject } from "../server-access.ts";
import { allOf, pageOf, print, table } from "./server-lists.ts";

type Context = Parameters<Command>[0];

export const projects: Command = (context, [verb = "list", name], values) =>
  calling(context, async () => {
    const { client } = connect(context, values);
    if (verb === "list") {
      const all = await allOf(after => client.listProjects({ query: pageOf(after) }));
      if (values.json === true) return print(context, all);
      const rows = all.map(each => [
        `${each.organisation}/${each.name}`,
        each.lastRun === null ? "" : (each.lastRun.outcome ?? each.lastRun.state),
        each.repository ?? "(sources are sent)",
      ]);
      return table(context, ["PROJECT", "LAST RUN", "REPOSITORY"], rows, "no projects");
    }
    if (name === undefined) throw new UsageError("which project?", "write ORGANISATION/PROJECT");
    const params = readProject(name);
    if (verb === "show") return print(context, await client.getProject({ params }));
    if (verb === "delete") {
      if (values.yes !== true) throw new UsageError(`this deletes ${name} with all its runs`, "say --yes");
      await client.deleteProject({ params });
      await context.out.write(`deleted ${name}\n`);
      return 0;
    }
    const changes = changesOf(values);
    if (verb === "set") return print(context, await client.changeProject({ params, body: changes }));
    if (verb !== "create")
      throw new UsageError(`"${verb}" is not known`, "there are: list, show, create, set, delete");
    const made = await client.createProject({
      params: { organisation: params.organisation },
      body: { name: params.project, ...changes },
    });
    if (values.json === true) return print(context, made);
    await context.out.write(
      `created ${name}\nwebhook: ${made.webhookUrl}\nwebhook secret, shown this once: ${made.webhookSecret}\n`,
    );
    return 0;
  });

function changesOf(values: FlagValues) {
  const word = (key: string) => (typeof values[key] === "string" ? values[key] : undefined);
  const [repository, defaultBranch, poll, credential] = [
    "repository",
    "defaultBranch",
    "pollSeconds",
    "credentialFile",
  ].map(word);
  return {
    ...(repository === undefined ? {} : { repository }),
    ...(defaultBranch === undefined ? {} : { defaultBranch }),
    ...(poll === undefined ? {} : { pollSeconds: Number(poll) }),
    ...(credential === undefined ? {} : { credential: readFileSync(credential, "utf8") }),
    ...(values.public === undefined ? {} : { public: values.public === true }),
  };
}

/** Values come from standard input, a file or a prompt: on the command line everyone on the machine could read them. */
export const secrets: Command = (context, [verb = "list", name], values) =>
  calling(context, async () => {
    const access = connect(context, values);
    const organisation = typeof values.organisation === "string" ? values.organisation : undefined;
    const place = organisation === undefined ? await projectOf(context, values, access) : undefined;
    const { client } = access;
    if (verb === "list") {
      const all = await allOf(after =>
        place === undefined
          ? client.listOrganisationVariables({
              params: { organisation: organisation! },
              query: pageOf(after),
            })
          : client.listVariables({ params: place, query: pageOf(after) }),
      );
      if (values.json === true) return print(context, all);
      const rows = all.map(each => [
        each.name,
        each.protected ? "(protected)" : (each.value ?? ""),
        each.pipeline ?? "",
        each.branches?.join(",") ?? "",
        each.events?.join(",") ?? "",
      ]);
      return table(context, ["NAME", "VALUE", "PIPELINE", "BRANCHES", "EVENTS"], rows, "no variables");
    }
    if (name === undefined) throw new UsageError("which variable?");
    const query = typeof values.pipeline === "string" ? { pipeline: values.pipeline } : {};
    if (verb === "rm") {
      if (place === undefined)
        await client.removeOrganisationVariable({ params: { organisation: organisation!, name } });
      else await client.removeVariable({ params: { ...place, name }, query });
      await context.out.write(`removed ${name}\n`);
      return 0;
    }
    if (verb !== "set") throw new UsageError(`"${verb}" is not known`, "there are: list, set NAME, rm NAME");
    const events = listOf(values.event) as ("push" | "pull-request" | "schedule" | "manual")[] | null;
    const body = {
      value: await newValue(context, values, name),
      protected: values.plain !== true,
      branches: listOf(values.branch),
      events,
    };
    const set =
      place === undefined
        ? await client.setOrganisationVariable({ params: { organisation: organisation!, name }, body })
        : await client.setVariable({ params: { ...place, name }, query, body });
    return values.json === true
      ? print(context, set)
      : table(context, [], [[`set ${name}${set.protected ? " (protected)" : ""}`]], "");
  });

function listOf(value: FlagValues[string]): string[] | null {
  return Array.isArray(value) ? value : typeof value === "string" ? [value] : null;
}

async function newValue(context: Context, values: FlagValues, name: string): Promise<string> {
  if (typeof values.fromFile === "string") return readFileSync(values.fromFile, "utf8");
  if (context.stdin.isTTY) return askHidden(context, `${name}: `);
  let text = "";
  for await (const part of context.stdin) text += part.toString();
  // The line end of `echo` is not meant.
  return text.replace(/\r?\n$/, "");
}

export const tokens: Command = (context, [verb = "list", name], values) =>
  calling(context, async () => {
    const access = connect(context, values);
    const { client } = access;
    const place = typeof values.project === "string" ? readProject(values.project) : undefined;
    const ofWorkers = values.worker === true;
    if (verb === "list") {
      const all = await allOf(after => {
        const query = pageOf(after);
        if (ofWorkers) return client.listWorkerTokens({ query });
        return place === undefined
          ? client.listTokens({ query })
          : client.listProjectTokens({ params: place, query });
      });
      if (values.json === true) return print(context, all);
      const rows = all.map(each => [
        String(each.id),
        each.name,
        each.role ?? (each.classes.join(",") || "all"),
        each.expiresAt ?? "never",
        each.lastUsedAt ?? "never",
      ]);
      return table(context, ["ID", "NAME", "MAY", "EXPIRES", "LAST USED"], rows, "no tokens");
    }
    if (name === undefined)
      throw new UsageError(verb === "revoke" ? "which token? write its id" : "write a name for the token");
    if (verb === "revoke") {
      const token = Number(name);
      if (ofWorkers) await client.revokeWorkerToken({ params: { token } });
      else if (place === undefined) await client.revokeToken({ params: { token } });
      else await client.revokeProjectToken({ params: { ...place, token } });
      await context.out.write(`revoked ${name}\n`);
      return 0;
    }
    if (verb !== "create")
      throw new UsageError(`"${verb}" is not known`, "there are: list, create NAME, revoke ID");
    const made = await createToken(access.client, { name, place, ofWorkers, values });
    if (values.json === true) return print(context, made);
    await context.err.write(`token ${made.id}, shown this once:\n`);
    await context.out.write(`${made.secret}\n`);
    return 0;
  });

type Client = ReturnType<typeof connect>["client"];
type Role = "owner" | "maintainer" | "reporter" | "reader";

function createToken(
  client: Client,
  {
    name,
    place,
    ofWorkers,
    values,
  }: {
    name: string;
    place: ReturnType<typeof readProject> | undefined;
    ofWorkers: boolean;
    values: FlagValues;
  },
) {
  const days =
    values.days === undefined ? {} : { days: values.days === "never" ? null : Number(values.days) };
  const role = typeof values.role === "string" ? { role: values.role as Role } : {};
  if (ofWorkers)
    return client.createWorkerToken({
      body: { name, classes: listOf(values.class) ?? ["default"], ...days },
    });
  if (place === undefined) return client.createToken({ body: { name, ...role, ...days } });
  return client.createProjectToken({
    params: place,
    body: { name, ...(role as { role?: "reader" }), ...days },
  });
}
