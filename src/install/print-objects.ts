// Objects as the YAML that kubectl reads.

import { stringify } from "yaml";

/** Documents, one behind the other. */
export function printObjects(objects: readonly object[]): string {
  return objects
    .map(object => `---\n${stringify(object, { lineWidth: 0, aliasDuplicateObjects: false })}`)
    .join("");
}
