// What a Pod's runner lays for the box, and the shell that lays it: the first process of the runner's container, gone before
// a program as large as Node has begun. The box would otherwise wait for that. Pure.

import { podBinDirectory, podIoDirectory } from "./pod-supervisor.ts";

/** Of the supervisor and of sessions. */
export const streamNames = ["control", "word", "in", "out", "err"] as const;
/** For files, one transfer each at a time. */
export const slotNames = ["t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7"] as const;
/** Where pipes lie until the runner holds them; the box's supervisor waits for `box`. */
export const unheldName = ".box";
/** A busybox that needs no other file: in our own image, and as Debian has it. */
export const busyboxes = ["/app/bin/busybox", "/bin/busybox", "/usr/bin/busybox"];
/** Of the environment; `laid` where the shell has done it all. */
export const laidVariable = "SLIPWAY_PIPES";

export interface LaidPlace {
  /** `podIoDirectory` unless told. */
  io?: string;
  /** `podBinDirectory` unless told. */
  bin?: string;
}

/** Where both lie in one directory. */
export function laidIn(io: string): Required<LaidPlace> {
  return { io, bin: `${io}/bin` };
}

/**
 * `command` behind a shell that lays pipes and busybox. Where something is there already, or cannot be laid, it leaves that
 * to `prepareIo`, which says why.
 */
export function layingCommand(
  command: readonly string[],
  { io = podIoDirectory, bin = podBinDirectory }: LaidPlace = {},
): string[] {
  const pipes = [...streamNames, ...slotNames].map(name => `${io}/${unheldName}/${name}`);
  const script = `
lay() {
  for b in "\${SLIPWAY_BUSYBOX:-}" ${busyboxes.join(" ")}; do if [ -x "$b" ]; then break; fi; done
  if [ -e ${io}/${unheldName} ] || [ -e ${io}/box ] || [ -e ${bin}/busybox ]; then return 1; fi
  "$b" mkdir -p ${io}/${unheldName} ${bin} && "$b" mkfifo -m 666 ${pipes.join(" ")} && "$b" cp "$b" ${bin}/busybox
}
if lay 2>/dev/null; then export ${laidVariable}=laid; fi
exec "$@"`;
  return ["/bin/sh", "-c", script, "slipway-runner", ...command];
}
