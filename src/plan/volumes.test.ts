import { expect, test } from "vitest";
import { parseVolumes, type Volume } from "./volumes.ts";

const variables: Record<string, string> = { HOME: "/home/me and you", DATA: "/data", PAIR: "/a:/b" };
const parse = (text: string) => parseVolumes(text, name => variables[name]);

test.each<[string, Volume[]]>([
  ["", []],
  ["/cache", [{ guest: "/cache" }]],
  [
    "/a:/b, /c  $HOME/x:${DATA}",
    [{ host: "/a", guest: "/b" }, { guest: "/c" }, { host: "/home/me and you/x", guest: "/data" }],
  ],
  [
    "/a:/b:rw,,named:/c",
    [
      { host: "/a", guest: "/b" },
      { host: "named", guest: "/c" },
    ],
  ],
  ["${A:-x}$DATA:/b", [{ host: "/data", guest: "/b" }]],
  ["$PAIR:/c", [{ host: "/a:/b", guest: "/c" }]],
])("%j gives %j", (text, volumes) => {
  expect(parse(text)).toEqual({ ok: true, value: volumes });
});

test.each([
  ["cache", "has to be absolute"],
  ["/a:b", "has to be absolute"],
  ["$UNSET", "has to be absolute"],
  ["./a:/b", "absolute path or the name of a volume"],
  ["$UNSET:/b", "absolute path or the name of a volume"],
  ["/a:/b:ro", "read-write"],
  ["/a:/b:rw:x", "read-write"],
])("%j is refused: %s", (text, hint) => {
  const result = parse(text);
  expect(result.ok || result.refusal.hint).toContain(hint);
});
