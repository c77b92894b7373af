// What every command that speaks to a server begins with: which server, with which token; and how its answers that say no
// are told.

import { readFileSync } from "node:fs";
import path from "node:path";
import tls from "node:tls";
import { listContexts } from "../app/server-contexts.ts";
import { ApiProblem, type Client, createClient } from "../client/client.ts";
import { messageOf, SlipwayError } from "../core/failure.ts";
import { plainText } from "../lib/plain-text.ts";
import { type CommandContext, type FlagValues, UsageError } from "./context.ts";

export interface ServerAccess {
  client: Client;
  url: string;
  /** Told of every call whether the server has answered; whoever follows something sets it. */
  onAnswer: { tell(answered: boolean): void };
}

/** Flags win, then `SLIPWAY_SERVER` and `SLIPWAY_TOKEN`, then the current context. Throws UsageError where there is none. */
export async function connect(context: CommandContext, values: FlagValues): Promise<ServerAccess> {
  const { env } = context;
  const wanted = textOf(values.server) ?? textOf(env.SLIPWAY_SERVER);
  const { current, servers, mended } = listContexts(env);
  for (const line of mended) await context.err.write(`warning: ${line}\n`);
  const known = servers.find(({ name, url }) => name === (wanted ?? current) || url === wanted);
  const url =
    known?.url ?? (wanted !== undefined && /^https?:\/\//.test(wanted) ? serverAddress(wanted) : undefined);
  if (url === undefined) {
    throw wanted === undefined
      ? new UsageError(
          "no server is chosen",
          "run `slipway login URL`, or name one with --server or SLIPWAY_SERVER",
        )
      : new UsageError(
          `there is no server "${wanted}"`,
          `there are: ${servers.map(({ name }) => name).join(", ") || "none; run `slipway login URL`"}`,
        );
  }
  trustMore(context);
  const token =
    textOf(env.SLIPWAY_TOKEN) === undefined ? known?.token.reveal() : checkedToken(env.SLIPWAY_TOKEN!);
  const onAnswer = { tell: () => undefined };
  const options = { url, fetch: toldFetch(onAnswer), ...(token === undefined ? {} : { token }) };
  return { url, onAnswer, client: createClient(options) };
}

/** Those between that say that the server is away are no answer of it. */
function toldFetch(onAnswer: ServerAccess["onAnswer"]): typeof fetch {
  return async (input, init) => {
    try {
      const response = await fetch(input, init);
      onAnswer.tell(![502, 503, 504].includes(response.status));
      return response;
    } catch (error) {
      onAnswer.tell(false);
      throw error;
    }
  };
}

/** An address of a server without what does not belong there. Throws UsageError. */
export function serverAddress(address: string | undefined): string {
  const url = address !== undefined && URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !["http:", "https:"].includes(url.protocol)) {
    throw new UsageError(
      address === undefined ? "which server?" : `"${address}" is no address of a server`,
      "write it whole: https://ci.example.org",
    );
  }
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw new UsageError(
      "the address of a server has neither user, password nor question",
      `write ${url.origin}${url.pathname.replace(/\/+$/, "")}`,
    );
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, "");
}

/** As it was meant: without the end of its line. Throws UsageError for what cannot be one. */
export function checkedToken(text: string): string {
  const token = text.trim();
  // The value is not shown: it may be one with something beside it.
  if (/^[\x21-\x7e]{1,4096}$/.test(token)) return token;
  throw new UsageError(
    token === "" ? "there is no token" : "this is no token: it has spaces or letters that tokens do not have",
    "it looks like swp_...; make one with `slipway tokens create NAME`",
  );
}

/** A team's own certificate authority. */
export function trustMore(context: CommandContext): void {
  const file = textOf(context.env.SLIPWAY_CA_FILE);
  if (file === undefined) return;
  try {
    const own = readFileSync(path.resolve(context.cwd, file), "utf8");
    if (!own.includes("-----BEGIN CERTIFICATE-----")) throw new Error("it is no PEM file");
    tls.setDefaultCACertificates([...tls.getCACertificates("default"), own]);
  } catch (error) {
    throw new UsageError(
      `SLIPWAY_CA_FILE: ${file} has no certificates: ${messageOf(error)}`,
      "name a file with certificates in PEM, or unset it",
    );
  }
}

/**
 * Runs a command's calls; what the server refuses is told, with 2 where the call was wrong, 1 where it may not be or is not
 * there, 3 where the server has failed. One that does not answer is told by the caller, with 3.
 */
export async function calling(context: CommandContext, work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw unreachable(error);
    const hint =
      error.status === 401 ? "sign in with `slipway login URL`, or set SLIPWAY_TOKEN" : hintOf(error);
    const places = error.problems.map(({ path: at, message }) => `${at}: ${message}`);
    const more = [...places, ...(hint === undefined ? [] : [hint])].filter(
      line => !error.message.includes(line),
    );
    await context.err.write(
      [`${context.name}: ${error.message}`, ...more.map(line => `  ${line}`), ""].map(plainText).join("\n"),
    );
    if (error.status >= 500) return 3;
    return error.status === 400 || error.status === 422 ? 2 : 1;
  }
}

/** Its message says why already; of certificates there is something to do. */
function unreachable(error: unknown): unknown {
  if (!(error instanceof SlipwayError) || error.code !== "server-unreachable") return error;
  const hint = error.message.includes("certificate")
    ? "SLIPWAY_CA_FILE names a file with certificates to trust beside the usual ones"
    : error.hint;
  return new SlipwayError(error.code, error.message, hint === undefined ? {} : { hint });
}

/** What comes without a code did not come from the platform's api. */
function hintOf(error: ApiProblem): string | undefined {
  if (error.status === 404 && error.message.startsWith("there is no /api/")) {
    return "the server does not know this call: it may be older than this program (`slipway login` tells the versions)";
  }
  if (error.hint !== undefined || error.code !== "unknown") return error.hint;
  return "something else than a Slipway server has answered; check the address";
}

/** What a flag or a variable says; empty ones say nothing. */
export function textOf(value: FlagValues[string]): string | undefined {
  return typeof value === "string" && value.trim() !== "" ? value : undefined;
}
