// Workflows: pipelines in order. Their form only; whether they fit the file's pipelines is a question of its own.

import { cronFault } from "./cron.ts";
import type { Workflow, WorkflowEntry, WorkflowTrigger } from "./pipeline-file.ts";
import {
  describeNode,
  isNull,
  type Reading,
  readBool,
  readKeys,
  readMap,
  readTexts,
  readWord,
  shown,
  warnUnknownKey,
} from "./reading.ts";
import type { MapNode, TreeNode } from "./yaml-tree.ts";

/** All workflows that have a usable form; the rest is reported. */
export function readWorkflows(reading: Reading, node: TreeNode): Workflow[] {
  if (isNull(node)) return [];
  if (node.kind !== "list") {
    const message = `"workflows" must be a list, not ${describeNode(node)}`;
    reading.fault(node.at, message, "Write - name: ... for each workflow");
    return [];
  }
  const workflows: Workflow[] = [];
  for (const item of node.items) {
    const map = readMap(reading, item, "a workflow");
    const workflow = map === undefined ? undefined : readWorkflow(reading, map);
    if (workflow === undefined) continue;
    if (workflows.some(other => other.name === workflow.name)) {
      reading.fault(
        item.at,
        `two workflows are called ${shown(workflow.name)}`,
        "Give one of them another name",
      );
    } else {
      workflows.push(workflow);
    }
  }
  return workflows;
}

function readWorkflow(reading: Reading, map: MapNode): Workflow | undefined {
  const workflow: Workflow = { name: "", pipelines: [], position: map.at };
  for (const { key, keyAt, value } of map.entries) {
    if (key === "name") workflow.name = readWord(reading, value, '"name"') ?? "";
    else if (key === "pipelines") workflow.pipelines = readEntries(reading, value);
    else if (key === "on" && reading.dialect === "slipway") workflow.on = readTrigger(reading, value);
    else warnUnknownKey(reading, "workflow", key, keyAt);
  }
  if (workflow.name !== "") return workflow;
  reading.fault(map.at, "a workflow has no name", "Give it one with the key name");
  return undefined;
}

function readEntries(reading: Reading, node: TreeNode): WorkflowEntry[] {
  if (isNull(node)) return [];
  if (node.kind !== "list") {
    const message = `"pipelines" must be a list, not ${describeNode(node)}`;
    reading.fault(node.at, message, "Write - name: ... for each pipeline");
    return [];
  }
  const entries: WorkflowEntry[] = [];
  for (const item of node.items) {
    const map = readMap(reading, item, "an entry of a workflow");
    const entry = map === undefined ? undefined : readEntry(reading, map);
    if (entry !== undefined) entries.push(entry);
  }
  return entries;
}

function readEntry(reading: Reading, map: MapNode): WorkflowEntry | undefined {
  const entry: WorkflowEntry = { name: "", pipelineName: "", requires: [], position: map.at };
  for (const { key, keyAt, value } of map.entries) {
    const what = `"${key}"`;
    if (key === "name" || key === "pipelineName" || key === "artifactPipeline" || key === "envFile") {
      const text = isNull(value) ? undefined : readWord(reading, value, what);
      if (text !== undefined) entry[key] = text;
    } else if (key === "requires") {
      entry.requires = isNull(value) ? [] : (readTexts(reading, value, what) ?? []);
    } else if (reading.dialect !== "slipway" || !readEntrySetting(reading, entry, key, value)) {
      warnUnknownKey(reading, "entry", key, keyAt);
    }
  }
  if (entry.name === "") {
    reading.fault(map.at, "an entry of a workflow has no name", "Give it one with the key name");
    return undefined;
  }
  if (entry.pipelineName === "") entry.pipelineName = entry.name;
  return entry;
}

function readEntrySetting(reading: Reading, entry: WorkflowEntry, key: string, node: TreeNode): boolean {
  if (key === "branches") {
    entry.branches = readTexts(reading, node, '"branches"') ?? [];
  } else if (key === "approval") {
    entry.approval = readBool(reading, node, '"approval"') ?? false;
  } else if (key === "environment") {
    const name = readWord(reading, node, '"environment"');
    if (name !== undefined) entry.environment = name;
  } else {
    return false;
  }
  return true;
}

type Trigger = Required<WorkflowTrigger>;

function readTrigger(reading: Reading, node: TreeNode): WorkflowTrigger {
  if (node.kind !== "map") return readTriggerNames(reading, node);
  const trigger: WorkflowTrigger = {};
  readKeys(reading, node, "trigger", {
    push: value => {
      trigger.push = {};
      readPatterns(reading, value, "push", trigger.push);
    },
    pullRequest: value => {
      trigger.pullRequest = {};
      readPatterns(reading, value, "pullRequest", trigger.pullRequest);
    },
    schedule: value => {
      trigger.schedule = readSchedules(reading, value);
    },
    run: value => {
      const run = readRunTrigger(reading, value);
      if (run !== undefined) trigger.run = run;
    },
    manual: (value, what) => {
      trigger.manual = readBool(reading, value, what) ?? true;
    },
  });
  return trigger;
}

/** The end of other workflows' runs. */
function readRunTrigger(reading: Reading, node: TreeNode): Trigger["run"] | undefined {
  const map = readMap(reading, node, '"run"');
  if (map === undefined) return undefined;
  const run: Trigger["run"] = { workflows: [], outcomes: ["passed"] };
  readKeys(reading, map, "run", {
    workflows: (value, what) => {
      run.workflows = readTexts(reading, value, what) ?? [];
    },
    outcomes: (value, what) => {
      const outcomes = readTexts(reading, value, what) ?? [];
      const wrong = outcomes.find(each => each !== "passed" && each !== "failed");
      if (wrong === undefined) run.outcomes = outcomes as ("passed" | "failed")[];
      else reading.fault(value.at, `"outcomes" cannot be ${shown(wrong)}`, "Write passed, failed, or both");
    },
    branches: (value, what) => {
      run.branches = readTexts(reading, value, what) ?? [];
    },
  });
  if (run.workflows.length > 0) return run;
  reading.fault(
    node.at,
    '"run" names no workflow',
    "Name those whose end starts this one: workflows: [build]",
  );
  return undefined;
}

/** The short form: names of events, each with everything it may have. */
function readTriggerNames(reading: Reading, node: TreeNode): WorkflowTrigger {
  const trigger: WorkflowTrigger = {};
  for (const name of readTexts(reading, node, '"on"') ?? []) {
    if (name === "push" || name === "pullRequest") trigger[name] = {};
    else if (name === "manual") trigger.manual = true;
    else {
      const hint = "Write push, pullRequest or manual; a schedule is a map with its times";
      reading.fault(node.at, `"on" cannot be ${shown(name)}`, hint);
    }
  }
  return trigger;
}

/** Fills in lists of patterns by their keys; null means no restriction. */
function readPatterns(
  reading: Reading,
  node: TreeNode,
  group: "push" | "pullRequest",
  into: Trigger["push"],
): void {
  if (isNull(node)) return;
  const map = readMap(reading, node, `"${group}"`);
  if (map === undefined) return;
  const patterns = (name: "branches" | "tags" | "paths") => (value: TreeNode, what: string) => {
    into[name] = readTexts(reading, value, what) ?? [];
  };
  const branches = patterns("branches");
  readKeys(
    reading,
    map,
    group,
    group === "push" ? { branches, tags: patterns("tags"), paths: patterns("paths") } : { branches },
  );
}

function readSchedules(reading: Reading, node: TreeNode): Trigger["schedule"] {
  const schedules: Trigger["schedule"] = [];
  for (const item of node.kind === "list" ? node.items : [node]) {
    const schedule = readSchedule(reading, item);
    if (schedule !== undefined) schedules.push(schedule);
  }
  return schedules;
}

function readSchedule(reading: Reading, node: TreeNode): Trigger["schedule"][number] | undefined {
  const schedule: Trigger["schedule"][number] = { cron: "" };
  if (node.kind === "map") {
    readKeys(reading, node, "schedule", {
      cron: (value, what) => {
        schedule.cron = readWord(reading, value, what) ?? "";
      },
      timeZone: (value, what) => {
        const zone = readWord(reading, value, what);
        if (zone === undefined) return;
        schedule.timeZone = zone;
        if (!isTimeZone(zone))
          reading.fault(value.at, `there is no time zone ${shown(zone)}`, "Write Europe/Berlin, UTC, ...");
      },
    });
  } else {
    schedule.cron = readWord(reading, node, "a schedule") ?? "";
  }
  const fault = cronFault(schedule.cron);
  if (fault === undefined) return schedule;
  const hint = 'Write minute, hour, day of month, month and day of week: "30 3 * * 1-5"';
  reading.fault(node.at, `the schedule ${shown(schedule.cron)} cannot be used: ${fault}`, hint);
  return undefined;
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
