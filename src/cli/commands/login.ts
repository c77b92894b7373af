// `slipway login URL`, `slipway logout`, `slipway servers`: which servers there are, and who one is there.

import os from "node:os";
import { listContexts, removeContext, saveContext, useContext } from "../../app/server-contexts.ts";
import { createClient } from "../../client/client.ts";
import { Secret } from "../../core/secret.ts";
import { type Command, type CommandContext, UsageError } from "../context.ts";
import { tableLines } from "../print/table.ts";
import { askHidden, askLine } from "../prompt.ts";
import { calling } from "../server-access.ts";

export const login: Command = async (context, [address], values) => {
  const url = checkedAddress(address);
  if (url.startsWith("http://") && !/^http:\/\/(localhost|127\.|\[::1\])/.test(url)) {
    await context.err.write(
      "warning: this address is not encrypted: whoever is on the way can read the token\n",
    );
  }
  return calling(context, async () => {
    const token = await tokenFor(context, url, values.tokenStdin === true);
    const { name: user } = await createClient({ url, token }).whoAmI({});
    const name = typeof values.name === "string" ? values.name : new URL(url).host;
    saveContext(context.env, { name, url, user, token: new Secret(token) });
    await context.out.write(`signed in to ${url} as ${user}\n`);
    return 0;
  });
};

function checkedAddress(address: string | undefined): string {
  if (address === undefined || !/^https?:\/\//.test(address) || !URL.canParse(address)) {
    throw new UsageError("which server?", "write its address: slipway login https://ci.example.org");
  }
  return address.replace(/\/+$/, "");
}

async function tokenFor(context: CommandContext, url: string, fromStdin: boolean): Promise<string> {
  if (fromStdin || !context.stdin.isTTY) return (await readAll(context.stdin)).trim();
  const name = await askLine(context, "Name (empty: sign in with a token): ");
  if (name === "") return (await askHidden(context, "Token: ")).trim();
  const password = await askHidden(context, "Password: ");
  return tokenByPassword(url, name, password);
}

/** A session for as long as it takes to make a token. */
async function tokenByPassword(url: string, name: string, password: string): Promise<string> {
  let cookie = "";
  const withCookie: typeof fetch = async (input, init) => {
    const headers = new Headers(init?.headers);
    if (cookie !== "") headers.set("cookie", cookie);
    const response = await fetch(input, { ...init, headers });
    cookie = response.headers.getSetCookie()[0]?.split(";")[0] ?? cookie;
    return response;
  };
  let csrf: string | null = null;
  const client = createClient({ url, fetch: withCookie, csrf: () => csrf ?? undefined });
  ({ csrf } = await client.signIn({ body: { name, password } }));
  const { secret } = await client.createToken({ body: { name: `slipway login on ${os.hostname()}` } });
  await client.signOut({});
  return secret;
}

async function readAll(stream: AsyncIterable<Uint8Array | string>): Promise<string> {
  let text = "";
  for await (const part of stream) {
    text += part.toString();
    if (text.length > 10_000) break;
  }
  return text;
}

export const logout: Command = async (context, [name]) => {
  const { current } = listContexts(context.env);
  const which = name ?? current;
  if (which === undefined || !removeContext(context.env, which)) {
    throw new UsageError(
      which === undefined ? "there is no server to sign out from" : `there is no server "${which}"`,
    );
  }
  await context.out.write(
    `forgot ${which}; its token stays good until it is revoked: slipway tokens revoke\n`,
  );
  return 0;
};

export const servers: Command = async (context, [verb = "list", name], values) => {
  if (verb === "use") {
    if (name === undefined || !useContext(context.env, name))
      throw new UsageError(`there is no server "${name ?? ""}"`);
    await context.out.write(`${name} is the server now\n`);
    return 0;
  }
  if (verb !== "list") throw new UsageError(`"${verb}" is not known`, "there are: list, use NAME");
  const { current, servers: all } = listContexts(context.env);
  if (values.json === true) {
    const shown = all.map(({ name: each, url, user }) => ({
      name: each,
      url,
      user,
      current: each === current,
    }));
    await context.out.write(`${JSON.stringify(shown)}\n`);
    return 0;
  }
  const rows = all.map(each => [each.name === current ? "*" : "", each.name, each.url, each.user]);
  const lines = tableLines(["", "NAME", "ADDRESS", "USER"], rows);
  await context.out.write(
    lines.length === 0 ? "no servers; run `slipway login URL`\n" : `${lines.join("\n")}\n`,
  );
  return 0;
};
