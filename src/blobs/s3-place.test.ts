import fc from "fast-check";
import { expect, test } from "vitest";
import { readS3Place } from "./s3-place.ts";

test("a bucket alone, and one with all that can be said", () => {
  expect(readS3Place("s3://builds")).toEqual({
    ok: true,
    value: { bucket: "builds", prefix: "", region: "us-east-1" },
  });
  expect(readS3Place("s3://builds/a//b?endpoint=http://127.0.0.1:9000&region=eu")).toEqual({
    ok: true,
    value: { bucket: "builds", prefix: "a/b/", region: "eu", endpoint: "http://127.0.0.1:9000" },
  });
});

test.each([
  "s3://",
  "s3:///x",
  "s3://UPPER",
  "s3://builds/../x",
  "s3://builds?endpont=http://h",
  "s3://builds?endpoint=h:9000",
  "http://builds",
])("%s is refused with how to write it", address => {
  expect(readS3Place(address)).toMatchObject({ ok: false, refusal: { code: "blobs-address" } });
});

test("any text is read or refused", () => {
  fc.assert(fc.property(fc.string(), text => typeof readS3Place(`s3://${text}`).ok === "boolean"));
});
