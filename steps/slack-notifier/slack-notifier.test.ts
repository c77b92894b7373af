import { describe, expect, test } from "vitest";
import { type StepRun, StepSandbox, stepShells } from "../../test/step-sandbox.ts";

const url = "https://hooks.example/services/T/B/x";
const curl = { curl: "cat >> $CALLS" };
const passed = {
  WERCKER_RESULT: "passed",
  WERCKER_APPLICATION_OWNER_NAME: "me",
  WERCKER_APPLICATION_NAME: "app",
  WERCKER_GIT_BRANCH: "main",
  BUILD: "true",
};
const failed = {
  ...passed,
  WERCKER_RESULT: "failed",
  WERCKER_FAILED_STEP_DISPLAY_NAME: "unit tests",
  WERCKER_FAILED_STEP_MESSAGE: 'got "a" <b>\\nwant \\d',
  WERCKER_RUN_URL: "https://ci.example/runs/1",
};

async function body(run: StepRun) {
  using sandbox = new StepSandbox();
  const end = await sandbox.run("slack-notifier", { stubs: curl, ...run });
  const data = /\[--data\] \[(.*)\]$/m.exec(end.calls.join("\n"))?.[1];
  return { end, body: data === undefined ? undefined : JSON.parse(data) };
}

describe.each(stepShells)("slack-notifier in $name", shell => {
  test("tells of a passed pipeline, with the URL on standard input", async () => {
    const options = { url, channel: "builds", username: 'a "b"', icon_url: "https://x/y.png" };
    const told = await body({ shell, options, environment: passed });
    expect(told.end.status).toBe(0);
    expect(told.body).toEqual({
      channel: "#builds",
      username: 'a "b"',
      icon_url: "https://x/y.png",
      attachments: [
        { fallback: "me/app: build of main passed", text: "me/app: build of main passed", color: "good" },
      ],
    });
    expect(told.end.calls.at(-1)).toBe(`url = "${url}"`);
    expect(told.end.calls[0]).not.toContain(url);
  });

  test("tells of a failed one, with the step and why, safely quoted", async () => {
    const told = await body({ shell, options: { url, channel: "@me" }, environment: failed });
    expect(told.body.channel).toBe("@me");
    expect(told.body.attachments[0]).toMatchObject({
      color: "danger",
      text: 'app: <https://ci.example/runs/1|build> of main failed at unit tests: got "a" &lt;b&gt;\nwant \\d',
    });
  });

  test("texts of one's own", async () => {
    const options = { url, "passed-message": "fine", "failed-message": "oh no" };
    expect((await body({ shell, options, environment: passed })).body.attachments[0].text).toBe("fine");
    expect((await body({ shell, options, environment: failed })).body.attachments[0].text).toBe("oh no");
  });

  test("says nothing where only failures or other branches count", async () => {
    const quiet = await body({ shell, options: { url, notify_on: "failed" }, environment: passed });
    expect(quiet.end).toMatchObject({ status: 0, calls: [] });
    expect(
      (await body({ shell, options: { url, notify_on: "failed" }, environment: failed })).body,
    ).toBeDefined();
    const other = await body({ shell, options: { url, branch: "dev,next" }, environment: passed });
    expect(other.end).toMatchObject({ status: 0, calls: [] });
    expect(
      (await body({ shell, options: { url, branch: "dev, main" }, environment: passed })).body,
    ).toBeDefined();
  });

  test("a missing or strange url and a message that is not taken are told without the url", async () => {
    expect((await body({ shell })).end.message).toBe("slack-notifier needs the option url");
    const strange = await body({ shell, options: { url: 'https://x/"\\noutput=' } });
    expect(strange.end.message).toBe("the url of slack-notifier is no URL of a webhook");
    const refused = await body({ shell, options: { url }, environment: passed, stubs: { curl: "exit 22" } });
    expect(refused.end).toMatchObject({
      status: 1,
      message: "Slack did not take the message: check the url",
    });
    expect(refused.end.output).not.toContain(url);
  });
});
