const assert = require("node:assert");
const name = require("class-names");

assert.equal(name("menu", "item"), "menu__item");
console.log("1 class name is right");
