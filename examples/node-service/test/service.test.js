// Real requests to the service, which asks the real names service beside it.

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { greeting } from "../src/greeting.js";
import { serve } from "../src/server.js";

test("nobody is a stranger", () => {
  assert.equal(greeting(""), "Hello, stranger!");
});

test("greets the name that the names service gives", async t => {
  const server = serve(process.env.NAMES_URL).listen(0, "127.0.0.1");
  t.after(() => server.close());
  await once(server, "listening");
  const answer = await fetch(`http://127.0.0.1:${server.address().port}`).then(response => response.text());
  assert.equal(answer, "Hello, reader!");
});
