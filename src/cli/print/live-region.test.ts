import { Writable } from "node:stream";
import fc from "fast-check";
import { expect, test } from "vitest";
import { fitTo, openLiveRegion } from "./live-region.ts";
import { streamOutput } from "./output.ts";

/** What a terminal shows after all that was written: only going up and erasing below is understood. */
function screenOf(written: string): string {
  let screen = "";
  let from = 0;
  for (const match of written.matchAll(/\x1b\[(\d+)A\x1b\[J/g)) {
    screen += written.slice(from, match.index);
    const lines = screen.split("\n");
    // The cursor stands below the last line, so the last element is empty.
    screen = lines.slice(0, lines.length - 1 - Number(match[1])).join("\n");
    if (lines.length - 1 > Number(match[1])) screen += "\n";
    from = match.index + match[0].length;
  }
  return screen + written.slice(from);
}

test("whatever is drawn in between, the screen holds the output as it came", async () => {
  const piece = fc.oneof(fc.stringMatching(/^[a-z ]{0,12}$/), fc.constant("\n"), fc.constant("end\n"));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(piece, fc.boolean())), async pieces => {
      const chunks: Buffer[] = [];
      const out = streamOutput(
        new Writable({
          write(chunk: Buffer, _encoding, done) {
            chunks.push(chunk);
            done();
          },
        }),
      );
      let draw: (() => void) | undefined;
      const clock = {
        now: () => 0,
        monotonic: () => 0,
        after: (_ms: number, run: () => void) => {
          draw = run;
          return () => {
            draw = undefined;
          };
        },
      };
      const region = openLiveRegion(out, clock, () => ["working", "on it"]);
      for (const [text, drawsNow] of pieces) {
        await region.scroll(text);
        if (drawsNow) draw?.();
      }
      await region.close();
      const output = pieces.map(([text]) => text).join("");
      const whole = output === "" || output.endsWith("\n") ? output : `${output}\n`;
      expect(screenOf(Buffer.concat(chunks).toString("utf8"))).toBe(whole);
    }),
  );
});

test("a line is cut to the width that is seen: colours count nothing, wide characters two", () => {
  expect(fitTo("\x1b[31mabcdef\x1b[39m", 3)).toBe("\x1b[31mabc\x1b[39m");
  expect(fitTo("日本語", 5)).toBe("日本");
  expect(fitTo("a\x1b[2Kb\tc\x07", 10)).toBe("abc");
});

test("nothing makes a line wider than it may be", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.integer({ min: 0, max: 20 }), (line, width) => {
      const plain = fitTo(line, width).replace(/\x1b\[[0-9;]*m/g, "");
      expect([...plain].length).toBeLessThanOrEqual(width);
      expect(plain).not.toMatch(/[\x00-\x1a\x1c-\x1f\x7f]/);
    }),
  );
});
