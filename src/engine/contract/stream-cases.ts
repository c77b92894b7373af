// What a box says and is told: streams, shells, their ends. Part of the contract suite.

import { expect } from "vitest";
import { type Cases, entriesOf, pattern } from "./context.ts";

export const streamCases = {
  "greets on both streams and takes what is written": async context => {
    await using box = await context.start();
    const run = await box.run(context.scripts.print("to stdout", "to stderr", 0));
    expect(run).toMatchObject({ status: 0, stdout: "to stdout\n", stderr: "to stderr\n" });
  },

  "the greeting names user and shell": async context => {
    await using box = await context.start();
    const greeting = /^slipway-box (\S+) ready (\d+) (\d+) (\/\S+)$/m;
    for (const stream of ["stdout", "stderr"] as const) {
      expect(greeting.exec(box.listener.text(stream))?.[1]).toBe(box.listener.channel.nonce);
    }
  },

  "many lines on both streams all come, each stream in its order": async context => {
    await using box = await context.start();
    const run = await box.run(context.scripts.printLines(3000));
    const lines = (prefix: string) =>
      Array.from({ length: 3000 }, (_, index) => `${prefix}${index + 1}\n`).join("");
    expect(run.stdout).toBe(lines("o"));
    expect(run.stderr).toBe(lines("e"));
  },

  "stderr joins stdout in merged mode": async context => {
    await using box = await context.start();
    const run = await box.run(context.scripts.print("one", "two", 0), "merged");
    expect(run).toMatchObject({ status: 0, stdout: "one\ntwo\n", stderr: "" });
  },

  "a megabyte of bytes comes out as it is": async context => {
    await using box = await context.start();
    const bytes = pattern(1_048_576);
    await box.write("big", [{ name: "bytes", content: bytes }]);
    const run = await box.run(context.scripts.printFile(`${box.workspace.paths.pipeline}/big/bytes`));
    expect(Buffer.from(run.stdout, "latin1").equals(bytes)).toBe(true);
    expect(run.status).toBe(0);
  },

  "output that nobody reads holds the box back": async context => {
    await using box = await context.start();
    await box.write("flood", [{ name: "progress", content: "0" }]);
    const progress = `${box.workspace.paths.pipeline}/flood/progress`;
    const printed = async () => {
      const [file] = await box.box.get(progress, context.signal).then(entriesOf);
      return Number(file?.content.toString());
    };
    const end = await box.begin(context.scripts.flood(256, progress));
    // It is held when it has got somewhere and then nowhere for a while; what is not held goes on to its end.
    let last = 0;
    for (let still = 0; still < 8; ) {
      await new Promise(resolve => setTimeout(resolve, 50));
      const now = await printed();
      still = now === last && now > 0 ? still + 1 : 0;
      last = now;
    }
    expect(last).toBeLessThan(256);
    const run = await end();
    expect(run.stdout.length).toBe(256 * 131_072);
    expect(await printed()).toBe(256);
  },

  "tells a shell's end and starts another in the same box": async context => {
    await using box = await context.start();
    expect((await box.run(context.scripts.print("a", "b", 3))).status).toBe(3);
    expect((await box.run(context.scripts.dieByKill)).status).toBe(137);
    const third = await box.run(context.scripts.print("still", "here", 0));
    expect(third).toMatchObject({ status: 0, stdout: "still\n", stderr: "here\n" });
  },

  "the box has its own variables": async context => {
    await using box = await context.start({
      box: context.container({
        env: [
          { name: "GIVEN", value: 'it\'s "given" $HOME' },
          { name: "EMPTY", value: "" },
        ],
      }),
    });
    expect((await box.run(context.scripts.printVariable("GIVEN"))).stdout).toBe('it\'s "given" $HOME\n');
    expect((await box.run(context.scripts.printVariable("EMPTY"))).stdout).toBe("\n");
  },

  "the box has none of our variables": async context => {
    const { foreignVariable } = context.options;
    if (foreignVariable === undefined) throw new Error("this case needs options.foreignVariable");
    await using box = await context.start();
    expect((await box.run(context.scripts.printVariable(foreignVariable))).stdout).toBe("unset\n");
  },
} satisfies Cases;
