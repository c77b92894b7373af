import { expect, test } from "vitest";
import { settingsOf } from "./server-lists.ts";

test("settings of a class are words, with dots for what is inside and JSON for lists and maps", () => {
  const words = [
    ...["engine=pod", "cpu=1.5", "allowDocker=false", "pod.runtimeClassName=gvisor"],
    ...['pod.nodeSelector={"disk":"ssd"}', 'pod.imagePullSecrets=["a","b"]', "pod.warm=2"],
  ];
  expect(settingsOf(words)).toEqual({
    ...{ engine: "pod", cpu: 1.5, allowDocker: false },
    pod: {
      ...{ runtimeClassName: "gvisor", nodeSelector: { disk: "ssd" } },
      ...{ imagePullSecrets: ["a", "b"], warm: 2 },
    },
  });
});

test.each(["engine", "=x", "pod..x=1", ".x=1", "__proto__.x=1", "pod.limits={"])("%s is refused", word => {
  expect(() => settingsOf([word])).toThrow();
});
