// `slipway login URL`, `slipway logout`, `slipway servers`: which servers there are, and who one is there.

import os from "node:os";
import {
  listContexts,
  removeContext,
  type ServerContext,
  saveContext,
  useContext,
} from "../../app/server-contexts.ts";
import { ApiProblem, createClient } from "../../client/client.ts";
import { messageOf, SlipwayError } from "../../core/failure.ts";
import { Secret } from "../../core/secret.ts";
import { plainText } from "../../lib/plain-text.ts";
import { type Command, type CommandContext, UsageError } from "../context.ts";
import { showList, showOne } from "../pages.ts";
import { askHidden, askLine, readInput } from "../prompt.ts";
import { calling, checkedToken, serverAddress, trustMore } from "../server-access.ts";

export const login: Command = async (context, [address], values) => {
  const url = serverAddress(address);
  if (isInTheClear(url)) {
    await context.err.write(
      "warning: this address is not encrypted: whoever is on the way can read the password and the token\n",
    );
  }
  trustMore(context);
  return calling(context, async () => {
    const version = await versionOf(url);
    const { token, tokenId } = await tokenFor(context, url, values.tokenStdin === true);
    const client = createClient({ url, token });
    const { name: user } = await client.whoAmI({});
    const name = typeof values.name === "string" ? values.name : new URL(url).host;
    const made: ServerContext = { name, url, user, token: new Secret(token) };
    saveContext(context.env, tokenId === undefined ? made : { ...made, tokenId });
    await tellVersion(context, version);
    return showOne(context, values, { name, url, user }, `signed in to ${url} as ${plainText(user)}`);
  });
};

/** Loopback is nobody's way. */
function isInTheClear(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  const loopback = hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(hostname);
  return protocol === "http:" && !loopback;
}

/**
 * What answers there, before a password goes to it: the document of the api says so, and its version. Throws UsageError for
 * what is no Slipway server, SlipwayError where nothing answers.
 */
async function versionOf(url: string): Promise<string> {
  let response: Response;
  try {
    response = await fetch(`${url}/api/v1/openapi.json`, {
      redirect: "manual",
      signal: AbortSignal.timeout(30_000),
    });
  } catch (cause) {
    throw new SlipwayError(
      "server-unreachable",
      `the server at ${url} does not answer: ${messageOf(cause)}`,
      {
        hint: "check the address and that the server runs",
      },
    );
  }
  const location = response.headers.get("location");
  if (location !== null) {
    const target = new URL(location, url).href.replace(/\/api\/v1\/openapi\.json$/, "");
    throw new UsageError(`${url} leads to ${plainText(target)}`, "sign in there");
  }
  if (response.status >= 500) {
    throw new SlipwayError("server-unreachable", `the server at ${url} says ${response.status}`, {
      hint: "try again in a moment",
    });
  }
  const document = (await response.json().catch(() => undefined)) as
    | { info?: { title?: unknown; version?: unknown } }
    | undefined;
  const { title, version } = document?.info ?? {};
  if (title === "Slipway" && typeof version === "string") return version;
  throw new UsageError(`what answers at ${url} is no Slipway server`, "check the address");
}

/** Servers of other versions may know other things. */
async function tellVersion(context: CommandContext, version: string): Promise<void> {
  if (version === context.version) return;
  await context.err.write(
    `note: the server is version ${plainText(version)}, this program ${context.version}: one may not know what the other does\n`,
  );
}

interface NewToken {
  token: string;
  tokenId?: number;
}

async function tokenFor(context: CommandContext, url: string, fromStdin: boolean): Promise<NewToken> {
  if (fromStdin || !context.stdin.isTTY) return { token: checkedToken(await readInput(context, 10_000)) };
  const name = await askLine(context, "Name (empty: sign in with a token): ");
  if (name === "") return { token: checkedToken(await askHidden(context, "Token: ")) };
  return tokenByPassword(url, name, await askHidden(context, "Password: "));
}

/** A session for as long as it takes to make a token. */
async function tokenByPassword(url: string, name: string, password: string): Promise<NewToken> {
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
  try {
    ({ csrf } = await client.signIn({ body: { name, password } }));
  } catch (error) {
    if (!(error instanceof ApiProblem) || error.status !== 401) throw error;
    throw new UsageError("name or password are wrong", "an administrator can set a new password");
  }
  const { id, secret } = await client.createToken({ body: { name: `slipway login on ${os.hostname()}` } });
  await client.signOut({});
  return { token: secret, tokenId: id };
}

export const logout: Command = async (context, [name], values) => {
  const { current, servers: all } = listContexts(context.env);
  const which = name ?? current;
  const known = all.find(each => each.name === which);
  if (which === undefined || known === undefined) {
    throw new UsageError(
      which === undefined ? "there is no server to sign out from" : `there is no server "${which}"`,
      all.length === 0 ? undefined : `there are: ${all.map(each => each.name).join(", ")}`,
    );
  }
  removeContext(context.env, which);
  const revoked = await revoke(context, known);
  const rest = revoked ? "" : "; its token stays good until it is revoked: slipway tokens revoke ID";
  return showOne(context, values, { name: which, revoked }, `forgot ${which}${rest}`);
};

/** A token that `login` made is of no use to anybody any more. */
async function revoke(context: CommandContext, { url, token, tokenId }: ServerContext): Promise<boolean> {
  if (tokenId === undefined) return false;
  trustMore(context);
  try {
    await createClient({ url, token: token.reveal(), retryMs: [] }).revokeToken({
      params: { token: tokenId },
    });
    return true;
  } catch (error) {
    if (error instanceof ApiProblem && error.status === 401) return true;
    await context.err.write(`warning: the token could not be revoked: ${plainText(messageOf(error))}\n`);
    return false;
  }
}

export const servers: Command = async (context, [verb = "list", name], values) => {
  const { current, servers: all, mended } = listContexts(context.env);
  for (const line of mended) await context.err.write(`warning: ${line}\n`);
  if (verb === "use") {
    if (name === undefined || !useContext(context.env, name)) {
      const names = all.map(each => each.name).join(", ") || "none; run `slipway login URL`";
      throw new UsageError(
        name === undefined ? "which server?" : `there is no server "${name}"`,
        `there are: ${names}`,
      );
    }
    return showOne(context, values, { name }, `${name} is the server now`);
  }
  if (verb !== "list") throw new UsageError(`"${verb}" is not known`, "there are: list, use NAME");
  return showList(context, values, {
    items: streamOf(
      all.map(({ name: each, url, user }) => ({ name: each, url, user, current: each === current })),
    ),
    head: ["", "NAME", "ADDRESS", "USER"],
    row: each => [each.current ? "*" : "", each.name, each.url, each.user],
    none: "no servers; run `slipway login URL`",
  });
};

async function* streamOf<T>(items: T[]): AsyncGenerator<T> {
  yield* items;
}
