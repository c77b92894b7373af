// Where the built pages lie: as far from this folder as from the joined modules of the package, so that one path finds them
// from a clone and from a package.

import path from "node:path";

export const webDirectory = path.join(import.meta.dirname, "..", "..", "dist", "web");
