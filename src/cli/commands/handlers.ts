// `slipway handlers`: what of others answers below the server's address.

import { type Command, UsageError } from "../context.ts";
import { itemsOf, showList, showOne } from "../pages.ts";
import { calling, connect, textOf } from "../server-access.ts";

export const handlers: Command = (context, [verb = "list", name], values) =>
  calling(context, async () => {
    if (!["list", "set", "rm"].includes(verb))
      throw new UsageError(`"${verb}" is not known`, "there are: list, set NAME, rm NAME");
    const { client } = await connect(context, values);
    if (verb === "list") {
      return showList(context, values, {
        items: itemsOf(query => client.listHandlers({ query })),
        head: ["NAME", "PATH", "TO"],
        row: each => [each.name, each.path, each.url ?? `service ${each.service}:${each.port}`],
        none: "no handlers",
      });
    }
    if (name === undefined) throw new UsageError("which handler?", `write ${verb} NAME`);
    const params = { handler: name };
    if (verb === "rm") {
      await client.removeHandler({ params });
      return showOne(context, values, { removed: name }, `removed ${name}`);
    }
    const set = await client.setHandler({
      params,
      body: targetOf(textOf(values.url), textOf(values.service)),
    });
    return showOne(context, values, set, `${set.name} answers at ${set.path}`);
  });

function targetOf(
  url: string | undefined,
  service: string | undefined,
): { url: string } | { service: string; port: number } {
  if ((url === undefined) === (service === undefined))
    throw new UsageError("where is the handler?", "write --url http://HOST:PORT, or --service NAME:PORT");
  if (url !== undefined) return { url };
  const [, name, port] = /^([^:]+):(\d{1,5})$/.exec(service!) ?? [];
  if (name === undefined || port === undefined)
    throw new UsageError(`"${service}" is no Service with a port`, "write --service NAME:PORT");
  return { service: name, port: Number(port) };
}
