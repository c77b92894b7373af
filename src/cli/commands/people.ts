// `slipway users`, `slipway organisations`, `slipway members`: who there is, and what they may do.

import { type Command, type CommandContext, type FlagValues, UsageError } from "../context.ts";
import { itemsOf, showList, showOne } from "../pages.ts";
import { askHidden, readInput } from "../prompt.ts";
import { calling, connect } from "../server-access.ts";

type Role = "owner" | "maintainer" | "reporter" | "reader";
const roleNames: readonly string[] = ["owner", "maintainer", "reporter", "reader"];

export const users: Command = (context, [verb = "list", name], values) =>
  calling(context, async () => {
    const verbs = ["create", "password", "enable", "disable", "admin", "no-admin"];
    if (verb !== "list" && !verbs.includes(verb))
      throw new UsageError(`"${verb}" is not known`, `there are: list, ${verbs.join(", ")}`);
    const { client } = await connect(context, values);
    if (verb === "list") {
      return showList(context, values, {
        items: itemsOf(query => client.listUsers({ query })),
        head: ["NAME", "", "SINCE"],
        row: each => [
          each.name,
          each.disabled ? "disabled" : each.admin ? "administrator" : "",
          each.createdAt.slice(0, 10),
        ],
        none: "no accounts",
      });
    }
    if (name === undefined) throw new UsageError("who?", `write ${verb} NAME`);
    if (verb === "create") {
      const password = await newPassword(context, values, name);
      const made = await client.createUser({ body: { name, ...(password === "" ? {} : { password }) } });
      return showOne(context, values, made, `made an account for ${name}`);
    }
    const changes: Record<string, object> = {
      enable: { disabled: false },
      disable: { disabled: true },
      admin: { admin: true },
      "no-admin": { admin: false },
    };
    const body = changes[verb] ?? { password: await newPassword(context, values, name) };
    const changed = await client.changeUser({ params: { user: name }, body });
    return showOne(context, values, changed, `changed the account of ${name}`);
  });

/** Typed, or piped in with --password-stdin; empty where neither: then only tokens let them in. */
async function newPassword(context: CommandContext, values: FlagValues, name: string): Promise<string> {
  if (values.passwordStdin === true) return (await readInput(context, 2000)).replace(/\r?\n$/, "");
  if (!context.stdin.isTTY)
    throw new UsageError("there is no terminal to type a password at", "pipe it in with --password-stdin");
  return askHidden(context, `Password for ${name}, 12 characters or more: `);
}

export const organisations: Command = (context, [verb = "list", name, ...settings], values) =>
  calling(context, async () => {
    if (!["list", "create", "set"].includes(verb))
      throw new UsageError(`"${verb}" is not known`, "there are: list, create NAME, set NAME KEY=VALUE...");
    const shares = verb === "set" ? sharesOf(settings) : {};
    const { client } = await connect(context, values);
    if (verb === "set") {
      if (name === undefined) throw new UsageError("which organisation?", "write set NAME KEY=VALUE...");
      const set = await client.changeOrganisation({ params: { organisation: name }, body: shares });
      const most =
        set.maxRunningJobs === null ? "as many jobs as there is room for" : `${set.maxRunningJobs} jobs`;
      return showOne(context, values, set, `${set.name}: weight ${set.weight}, at most ${most} at a time`);
    }
    if (verb === "create") {
      if (name === undefined) throw new UsageError("what is it called?", "write create NAME");
      return showOne(context, values, await client.createOrganisation({ body: { name } }), `created ${name}`);
    }
    return showList(context, values, {
      items: itemsOf(query => client.listOrganisations({ query })),
      head: ["NAME", "WEIGHT", "MOST JOBS"],
      row: each => [
        each.name,
        String(each.weight),
        each.maxRunningJobs === null ? "any" : String(each.maxRunningJobs),
      ],
      none: "you belong to no organisation",
    });
  });

/** `weight=5 jobs=20`, `jobs=any`. */
function sharesOf(words: readonly string[]): { weight?: number; maxRunningJobs?: number | null } {
  const shares: { weight?: number; maxRunningJobs?: number | null } = {};
  for (const word of words) {
    const [key, value = ""] = word.split("=", 2);
    const number = /^[1-9][0-9]{0,8}$/.test(value) ? Number(value) : undefined;
    if (key === "weight" && number !== undefined) shares.weight = number;
    else if (key === "jobs" && (number !== undefined || value === "any"))
      shares.maxRunningJobs = number ?? null;
    else throw new UsageError(`"${word}" is no setting of an organisation`, sharesHint);
  }
  if (words.length === 0) throw new UsageError("what is to be set?", sharesHint);
  return shares;
}

const sharesHint = "there are: weight=1 to 1000 (share of capacity), jobs=N or jobs=any (most at a time)";

export const members: Command = (context, [organisation, verb = "list", name, role], values) =>
  calling(context, async () => {
    if (organisation === undefined) throw new UsageError("of which organisation?", "write its name");
    if (!["list", "set", "rm"].includes(verb))
      throw new UsageError(`"${verb}" is not known`, "there are: list, set NAME ROLE, rm NAME");
    const { client } = await connect(context, values);
    if (verb === "list") {
      return showList(context, values, {
        items: itemsOf(query => client.listMembers({ params: { organisation }, query })),
        head: ["NAME", "ROLE"],
        row: each => [each.user, each.role],
        none: "no members",
      });
    }
    if (name === undefined) throw new UsageError("who?", `write ${organisation} ${verb} NAME`);
    const params = { organisation, user: name };
    if (verb === "rm") {
      await client.removeMember({ params });
      return showOne(context, values, { removed: name }, `${name} is no member of ${organisation} any more`);
    }
    if (role === undefined || !roleNames.includes(role))
      throw new UsageError(
        role === undefined ? "which role?" : `"${role}" is no role`,
        `there are: ${roleNames.join(", ")}`,
      );
    const set = await client.setMember({ params, body: { role: role as Role } });
    return showOne(context, values, set, `${name} is ${role} of ${organisation}`);
  });
