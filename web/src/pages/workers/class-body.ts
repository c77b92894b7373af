// What a form says of a class, as the api takes it. Pure.

import type { Call } from "../../api/client.ts";

export const gibibyte = 2 ** 30;

type ClassBody = Call<"setClass">["body"];

/** An empty field leaves the setting out. An error where the settings of Pods are no JSON object. */
export function classBody(form: FormData): ClassBody | Error {
  const text = (name: string) => String(form.get(name) ?? "").trim();
  const number = (name: string) => (text(name) === "" ? undefined : Number(text(name)));
  const cpu = number("cpu");
  const memory = number("memory");
  const minutes = number("timeout");
  let pod: unknown;
  if (text("pod") !== "") {
    try {
      pod = JSON.parse(text("pod"));
    } catch (error) {
      return new Error(`the settings of Pods are no JSON: ${(error as Error).message}`);
    }
    if (typeof pod !== "object" || pod === null || Array.isArray(pod)) {
      return new Error("the settings of Pods are to be an object: begin with {");
    }
  }
  return {
    ...(text("engine") === "" ? {} : { engine: text("engine") as "docker" }),
    ...(cpu === undefined ? {} : { cpu }),
    ...(memory === undefined ? {} : { memoryBytes: Math.round(memory * gibibyte) }),
    ...(minutes === undefined ? {} : { timeoutMs: Math.round(minutes * 60_000) }),
    ...Object.fromEntries(
      (["allowDocker", "allowVolumes", "allowHostPorts"] as const)
        .filter(name => form.get(name) !== null)
        .map(name => [name, true]),
    ),
    ...(pod === undefined ? {} : { pod: pod as Record<string, never> }),
  };
}
