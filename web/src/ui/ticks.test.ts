import { expect, test } from "vitest";
import { tickText, timeTicks } from "./ticks.ts";

test.each([
  [0.4, ["0", "100 ms", "200 ms", "300 ms", "400 ms"]],
  [5.6, ["0", "2 s", "4 s"]],
  [34, ["0", "10 s", "20 s", "30 s"]],
  [58, ["0", "15 s", "30 s", "45 s"]],
  [130, ["0", "30 s", "1 min", "1 min 30 s", "2 min"]],
  [200, ["0", "1 min", "2 min", "3 min"]],
  [500, ["0", "2 min", "4 min", "6 min", "8 min"]],
  [40 * 60, ["0", "10 min", "20 min", "30 min", "40 min"]],
  [5 * 3600, ["0", "1 h", "2 h", "3 h", "4 h", "5 h"]],
  [3 * 86_400, ["0", "1 d", "2 d", "3 d"]],
] as [number, string[]][])("an axis up to %d s has its marks where people count", (most, texts) => {
  expect(timeTicks(most).map(tickText)).toEqual(texts);
});

test("any length has a few marks, and none beyond it", () => {
  for (let most = 0.001; most < 1e9; most *= 1.37) {
    const ticks = timeTicks(most);
    expect(ticks[0]).toBe(0);
    expect(ticks.length).toBeLessThanOrEqual(6);
    expect(ticks.at(-1)).toBeLessThanOrEqual(most);
  }
});
