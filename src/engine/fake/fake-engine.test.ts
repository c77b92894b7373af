import { type ContractScripts, engineContract } from "../engine.contract.ts";
import { createFakeEngine } from "./fake-engine.ts";

const scripts: ContractScripts = {
  print: (stdout, stderr, status) => `echo ${stdout}\nerr ${stderr}\nexit ${status}\n`,
  printFile: path => `cat ${path}\nexit 0\n`,
  flood: (count, progress) =>
    `${Array.from({ length: count }, (_, index) => `flood 131072\nwrite ${progress} ${index + 1}`).join("\n")}\nexit 0\n`,
  printLines: count =>
    `${Array.from({ length: count }, (_, index) => `echo o${index + 1}\nerr e${index + 1}`).join("\n")}\nexit 0\n`,
  eatMemory: "oom\n",
  dieByKill: "kill-shell 9\n",
  ignoreTerm: "ignore-term\necho ready\nsilent\n",
  printVariable: name => `print-env ${name}\nexit 0\n`,
  daemon: () => "",
  isAlive: () => "",
};

engineContract(
  "fake",
  async () => {
    const engine = createFakeEngine({ unknownImages: ["nowhere:latest"] });
    return {
      engine,
      leftovers: async () => (engine.open === 0 ? [] : [`${engine.open} workspaces`]),
      killBox: async () => engine.killBox(),
      [Symbol.asyncDispose]: async () => {},
    };
  },
  {
    image: "docker.io/library/any:latest",
    unknownImage: "nowhere:latest",
    scripts,
    foreignVariable: "PATH",
    skip: [
      {
        case: "an interactive shell knows the prelude and does what is typed",
        reason: "a test says itself what happens in its terminal",
      },
      {
        case: "a daemon that left the session and ignores TERM ends by KILL",
        reason: "its scripts cannot start processes",
      },
      { case: "a service is reached through its link variables", reason: "its services do not run" },
      { case: "a service is reached by its alias", reason: "its services do not run" },
      { case: "a service that never gets ready is refused", reason: "its services do not run" },
      { case: "a crashed service's last words are reported", reason: "its services do not run" },
    ],
  },
);
