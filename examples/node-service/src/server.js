// Greets whoever the names service knows.

import http from "node:http";
import { greeting } from "./greeting.js";

export function serve(namesUrl) {
  return http.createServer(async (_request, response) => {
    try {
      const name = await fetch(namesUrl).then(answer => answer.text());
      response.end(greeting(name));
    } catch (error) {
      response.writeHead(502).end(`the names service does not answer: ${error.message}`);
    }
  });
}

if (process.argv[1] === import.meta.filename) serve(process.env.NAMES_URL).listen(process.env.PORT ?? 8080);
