// The `volumes` text of a box or service: a space or comma separated list of `path` or `host:guest`.

import { accept, type Result, refuse } from "../core/failure.ts";
import { expand, type Lookup } from "./expand.ts";

export interface Volume {
  /** A directory of the host or the name of a volume; absent for a new, unnamed volume. */
  host?: string;
  guest: string;
}

const volumeName = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;

/** Volumes with both halves expanded. Values of variables may hold spaces and colons; they are not split again. */
export function parseVolumes(text: string, lookup: Lookup): Result<Volume[]> {
  const volumes: Volume[] = [];
  for (const item of text.split(/[\s,]+/).filter(part => part !== "")) {
    const [first = "", second, mode, ...rest] = splitHalves(item);
    if (rest.length > 0 || (mode !== undefined && mode !== "rw")) {
      return badVolume(item, "Write it as guest path or host:guest; volumes are always mounted read-write.");
    }
    const guest = expand(second ?? first, lookup);
    if (!guest.startsWith("/")) return badVolume(item, "The path inside the container has to be absolute.");
    if (second === undefined) {
      volumes.push({ guest });
      continue;
    }
    const host = expand(first, lookup);
    if (!host.startsWith("/") && !volumeName.test(host)) {
      return badVolume(item, "The host's side has to be an absolute path or the name of a volume.");
    }
    volumes.push({ host, guest });
  }
  return accept(volumes);
}

/** Splits at colons, but not at those inside `${...}`. */
function splitHalves(item: string): string[] {
  const halves = [""];
  for (const piece of item.match(/\$\{[^}]{0,200}\}|[^:]|:/g) ?? []) {
    if (piece === ":") halves.push("");
    else halves[halves.length - 1] += piece;
  }
  return halves;
}

function badVolume(item: string, hint: string): Result<Volume[]> {
  return refuse("bad-volume", `"${item}" is not a volume.`, hint);
}
