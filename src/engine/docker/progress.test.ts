import fc from "fast-check";
import { expect, test } from "vitest";
import { followProgress, progressMessages } from "./progress.ts";

async function* chunks(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

async function told(...texts: string[]): Promise<string> {
  let lines = "";
  await followProgress(chunks(...texts), text => {
    lines += text;
  });
  return lines;
}

test("of a pull, what is finished is told once and the counting is not", async () => {
  const messages = [
    { status: "Pulling from library/alpine", id: "latest" },
    { status: "Pulling fs layer", progressDetail: {}, id: "3d2430473443" },
    {
      status: "Downloading",
      progressDetail: { current: 1, total: 2 },
      progress: "[=> ]",
      id: "3d2430473443",
    },
    { status: "Verifying Checksum", id: "3d2430473443" },
    { status: "Download complete", id: "3d2430473443" },
    { status: "Extracting", id: "3d2430473443" },
    { status: "Pull complete", id: "3d2430473443" },
    { status: "Digest: sha256:aa" },
    { status: "Status: Downloaded newer image for alpine:latest" },
  ];
  expect(await told(messages.map(message => `${JSON.stringify(message)}\r\n`).join(""))).toBe(
    "latest: Pulling from library/alpine\n" +
      "3d2430473443: Pull complete\n" +
      "Digest: sha256:aa\n" +
      "Status: Downloaded newer image for alpine:latest\n",
  );
});

test("a build's own text passes as it is", async () => {
  expect(await told('{"stream":"Step 1/2 : FROM x"}\n{"stream":"\\n"}\n{"stream":""}\n')).toBe(
    "Step 1/2 : FROM x\n",
  );
});

test("an error in the stream ends it, after what came before", async () => {
  const lines: string[] = [];
  const body = chunks(
    '{"status":"a"}\n{"errorDetail":{"message":"denied: no"},"error":"denied"}\n{"status":"b"}\n',
  );
  const following = followProgress(body, text => lines.push(text));
  await expect(following).rejects.toMatchObject({ code: "registry-answer", message: "denied: no" });
  expect(lines).toEqual(["a\n"]);
});

test("what is no progress is an error of the daemon", async () => {
  await expect(told("<html>bad gateway</html>\n")).rejects.toMatchObject({ code: "daemon-protocol" });
  await expect(told("x".repeat(1_100_000))).rejects.toMatchObject({ code: "daemon-protocol" });
});

test("messages are read whole, wherever they are cut", async () => {
  const message = fc.record({
    status: fc.string({
      unit: fc.constantFrom("a", "\u00e9", "\u2603", "\u{1f600}", "\n", '"'),
      maxLength: 12,
    }),
    id: fc.string({ maxLength: 6 }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(message, { maxLength: 5 }),
      fc.integer({ min: 1, max: 20 }),
      async (messages, size) => {
        const bytes = Buffer.from(messages.map(each => `${JSON.stringify(each)}\n`).join(""));
        async function* cut(): AsyncGenerator<Uint8Array> {
          for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
        }
        const seen: unknown[] = [];
        for await (const each of progressMessages(cut())) seen.push(each);
        expect(seen).toEqual(JSON.parse(JSON.stringify(messages)));
      },
    ),
    { numRuns: 50 },
  );
});
