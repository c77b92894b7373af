const assert = require("node:assert");
const { test } = require("node:test");

test("the tide turns twice a day", () => {
  assert.equal(24 / 12, 2);
});
