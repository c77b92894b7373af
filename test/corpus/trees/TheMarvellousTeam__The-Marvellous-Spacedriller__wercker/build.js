const fs = require("node:fs");

fs.mkdirSync("public", { recursive: true });
fs.writeFileSync("public/index.html", "<h1>drill</h1>\n");
console.log("wrote public/index.html");
