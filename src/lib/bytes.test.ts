import { expect, test } from "vitest";
import { formatBytes, formatWholeBytes } from "./bytes.ts";

test("sizes have one digit behind the point, bytes none", () => {
  expect(formatBytes(0)).toBe("0 B");
  expect(formatBytes(1023)).toBe("1023 B");
  expect(formatBytes(1024)).toBe("1.0 KiB");
  expect(formatBytes(1_258_291)).toBe("1.2 MiB");
  expect(formatBytes(1_048_575)).toBe("1.0 MiB");
  expect(formatBytes(5 * 1024 ** 4)).toBe("5120.0 GiB");
});

test("whole units are cut off", () => {
  expect(formatWholeBytes(1023)).toBe("1023 B");
  expect(formatWholeBytes(2047)).toBe("1 KiB");
  expect(formatWholeBytes(2 * 1024 ** 2 - 1)).toBe("1 MiB");
  expect(formatWholeBytes(3 * 1024 ** 3)).toBe("3 GiB");
});
