// `slipway schedules`: runs of a project that start by the clock.

import { type Command, UsageError } from "../context.ts";
import { projectOf } from "../find-run.ts";
import { itemsOf, showList, showOne } from "../pages.ts";
import { calling, connect, textOf } from "../server-access.ts";
import { variablesOf } from "./trigger.ts";

export const schedules: Command = (context, [verb = "list", name, cron], values) =>
  calling(context, async () => {
    if (!["list", "set", "rm"].includes(verb))
      throw new UsageError(`"${verb}" is not known`, "there are: list, set NAME CRON, rm NAME");
    const access = await connect(context, values);
    const { client } = access;
    const params = await projectOf(context, values, access);
    if (verb === "list") {
      return showList(context, values, {
        items: itemsOf(query => client.listSchedules({ params, query })),
        head: ["NAME", "CRON", "ZONE", "BRANCH", "WORKFLOW", "NEXT"],
        row: each => [
          each.name,
          each.cron,
          each.timeZone,
          each.branch ?? "",
          each.workflow ?? "",
          each.enabled ? each.nextAt : "(off)",
        ],
        none: "no schedules",
      });
    }
    if (name === undefined) throw new UsageError("which schedule?", `write ${verb} NAME`);
    if (verb === "rm") {
      await client.removeSchedule({ params: { ...params, schedule: name } });
      return showOne(context, values, { removed: name }, `removed ${name}`);
    }
    if (cron === undefined)
      throw new UsageError("when?", 'write minute, hour, day, month and weekday: "30 3 * * *"');
    const [timeZone, branch, workflow] = [values.timeZone, values.branch, values.workflow].map(textOf);
    const set = await client.setSchedule({
      params: { ...params, schedule: name },
      body: {
        cron,
        enabled: values.off !== true,
        variables: variablesOf(values),
        ...(timeZone === undefined ? {} : { timeZone }),
        ...(branch === undefined ? {} : { branch }),
        ...(workflow === undefined ? {} : { workflow }),
      },
    });
    return showOne(
      context,
      values,
      set,
      set.enabled ? `${name} starts next at ${set.nextAt}` : `${name} is off`,
    );
  });
