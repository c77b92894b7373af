import { expect, test } from "vitest";
import type { Endpoint } from "../endpoints/endpoint.ts";
import { endpoints } from "../endpoints/table.ts";
import { callShapes } from "./call-shapes.ts";

test("the client knows every endpoint as the table has it", () => {
  const table = Object.fromEntries(
    Object.entries(endpoints as unknown as Record<string, Endpoint>).map(
      ([id, { method, path, creates, streams }]) => [
        id,
        {
          method,
          path,
          ...(creates === true ? { creates } : {}),
          ...(streams?.request === undefined ? {} : { request: streams.request }),
          ...(streams?.answer === undefined ? {} : { answer: streams.answer }),
        },
      ],
    ),
  );
  expect(callShapes).toEqual(table);
});
