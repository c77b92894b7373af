// What a worker may say to the program of a runner; what jobs become of it is tested with the platform.

import { Readable, Writable } from "node:stream";
import { expect, test } from "vitest";
import { runnerCommand } from "./runner-main.ts";

async function run(args: string[], input: string) {
  let said = "";
  const stderr = new Writable({
    write(part, _encoding, done) {
      said += part;
      done();
    },
  });
  const stdin = Readable.from(input === "" ? [] : [Buffer.from(input)]);
  const context = { env: {}, version: "0.0.0", stdin, stderr } as unknown as Parameters<
    typeof runnerCommand
  >[0];
  return { code: await runnerCommand(context, args), said };
}

const ahead = '--ahead={"engine":"docker"}';

test("one that was started ahead ends in silence when its worker goes without a word", async () => {
  expect(await run([ahead], "")).toEqual({ code: 0, said: "" });
});

test("without a word another one says what is missing", async () => {
  expect(await run([], "")).toMatchObject({ code: 2, said: expect.stringContaining("slipway runner: ") });
});

test("one that was started ahead reads what it is told as any other", async () => {
  const cold = await run([], "{}");
  expect(cold.code).toBe(2);
  expect(await run([ahead], "{}")).toEqual(cold);
});

test("other arguments are refused", async () => {
  expect((await run([ahead, "more"], "{}")).code).toBe(2);
  expect((await run(["job.json"], "{}")).code).toBe(2);
  expect((await run(["--ahead={no}"], "{}")).code).toBe(2);
});
