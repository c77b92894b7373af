// `slipway audit`: who changed what, of an organisation or of the whole server.

import { type Command, UsageError } from "../context.ts";
import { itemsOf, showList } from "../pages.ts";
import { calling, connect, textOf } from "../server-access.ts";

const usualRows = 100;

interface Entry {
  at: string;
  actor: string;
  action: string;
  subject: string;
  details: Record<string, unknown>;
  organisation?: string | null;
}

export const audit: Command = (context, [organisation], values) =>
  calling(context, async () => {
    const most = mostOf(textOf(values.limit));
    const { client } = await connect(context, values);
    const items: AsyncIterable<Entry> =
      organisation === undefined
        ? itemsOf(query => client.listServerAudit({ query }))
        : itemsOf(query => client.listAudit({ params: { organisation }, query }));
    return showList(context, values, {
      items: firstOf(items, most),
      head: ["AT", "WHO", "WHAT", "OF", ...(organisation === undefined ? ["ORGANISATION"] : []), "DETAILS"],
      row: each => [
        each.at.slice(0, 19).replace("T", " "),
        each.actor,
        each.action,
        each.subject,
        ...(organisation === undefined ? [each.organisation ?? ""] : []),
        Object.keys(each.details).length === 0 ? "" : JSON.stringify(each.details),
      ],
      none: "nothing was changed",
    });
  });

function mostOf(text: string | undefined): number {
  if (text === undefined) return usualRows;
  if (/^[1-9][0-9]{0,6}$/.test(text)) return Number(text);
  throw new UsageError(`"${text}" is no number of entries`, "write --limit 500");
}

/** The newest stand first; nobody reads years of them unasked. */
async function* firstOf<T>(items: AsyncIterable<T>, most: number): AsyncGenerator<T> {
  let count = 0;
  for await (const item of items) {
    yield item;
    if (++count >= most) return;
  }
}
