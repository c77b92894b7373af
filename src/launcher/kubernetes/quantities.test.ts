import { expect, test } from "vitest";
import { addQuantities, bytesQuantity, coresQuantity, quantityValue } from "./quantities.ts";

test("bytes and cores as Kubernetes writes them", () => {
  expect([0, 1, 1023, 1024, 1536, 2 ** 20, 3 * 2 ** 30, 2 ** 42, 1e9].map(bytesQuantity)).toEqual([
    ...["0", "1", "1023", "1Ki", "1536", "1Mi", "3Gi", "4096Gi", "1000000000"],
  ]);
  expect([0, 0.0001, 0.5, 1, 1.5, 2, 0.25].map(coresQuantity)).toEqual([
    ...["1m", "1m", "500m", "1", "1500m", "2", "250m"],
  ]);
});

test("reads what it writes, and what people write", () => {
  for (const bytes of [1, 4096, 3 * 2 ** 30, 123_456_789])
    expect(quantityValue(bytesQuantity(bytes))).toBe(bytes);
  const texts = ["100m", "1.5Gi", "2e3", "1E", "128M", ".5"];
  expect(texts.map(quantityValue)).toEqual([0.1, 1.5 * 2 ** 30, 2000, 1e18, 128e6, 0.5]);
  for (const text of ["", "1 Gi", "-1", "Gi", "1KB", "1.2.3"]) expect(quantityValue(text)).toBeUndefined();
});

test("adds what is there", () => {
  expect(addQuantities("1Gi", "512Mi", true)).toBe("1536Mi");
  expect(addQuantities("500m", undefined, false)).toBe("500m");
  expect(addQuantities("500m", "1", false)).toBe("1500m");
});
