import { launcherContract } from "../launcher.contract.ts";
import { createFakeLauncher, createFakeMachine } from "./fake-launcher.ts";

launcherContract("fake", async () => {
  const machine = createFakeMachine();
  const impossible = new Set<string>();
  const end = { outcome: "broken" as const, reason: "runner-not-started", message: "there is no room" };
  return {
    open: async () => createFakeLauncher({ machine, refuses: id => (impossible.has(id) ? end : undefined) }),
    lives: async id => machine.runners.get(id)?.alive === true,
    starts: async id => machine.started.filter(each => each === id).length,
    die: async id => machine.end(id),
    impossible(claim) {
      impossible.add(claim.attemptId);
      return claim;
    },
    [Symbol.asyncDispose]: async () => machine.runners.clear(),
  };
});
