// What a killed runner left at the daemon is removed, and nothing that is another run's.

import { afterEach, expect, test } from "vitest";
import {
  ownerHostLabel,
  ownerPidLabel,
  ownerStartedLabel,
  roleLabel,
  runLabel,
} from "../../engine/docker/container-names.ts";
import { ownerOfThisProcess } from "../../engine/docker/run-owner.ts";
import { searchDaemon } from "../docker-daemon.ts";
import { removeLeftovers } from "./remove-leftovers.ts";

const { found } = await searchDaemon(process.env);
const client = found!.client;
const made: string[] = [];
afterEach(async () => {
  for (const id of made.splice(0)) {
    await client.call({ method: "DELETE", path: `/networks/${id}`, query: {} }).catch(() => undefined);
  }
});

async function networkOf(runId: string, owner: { pid: number; started: string }): Promise<string> {
  const { host } = ownerOfThisProcess();
  const { Id } = await client.call<{ Id: string }>({
    method: "POST",
    path: "/networks/create",
    query: {},
    json: {
      Name: `slipway-leftover-test-${runId}`,
      Labels: {
        [runLabel]: runId,
        [roleLabel]: "network",
        [ownerHostLabel]: host,
        [ownerPidLabel]: String(owner.pid),
        [ownerStartedLabel]: owner.started,
      },
    },
  });
  made.push(Id);
  return Id;
}

async function isThere(id: string): Promise<boolean> {
  return client.call({ method: "GET", path: `/networks/${id}`, query: {} }).then(
    () => true,
    () => false,
  );
}

const options = { engine: "docker" as const, directory: "/nowhere", environment: process.env };
const dead = { pid: 2 ** 22 + 1, started: "long ago" };
const marked = `t${process.pid}x`;

test("of the attempt alone, and once only", async () => {
  const [mine, other] = [await networkOf(`${marked}1`, dead), await networkOf(`${marked}2`, dead)];
  await removeLeftovers(`${marked}1`, options);
  expect([await isThere(mine), await isThere(other)]).toEqual([false, true]);
  await removeLeftovers(`${marked}1`, options);
  await removeLeftovers(`${marked}2`, options);
  expect(await isThere(other)).toBe(false);
});

test("what is in use is said to be left", async () => {
  const { pid, started } = ownerOfThisProcess();
  const id = await networkOf(`${marked}3`, { pid, started });
  await expect(removeLeftovers(`${marked}3`, options)).rejects.toThrow("its run is going on");
  expect(await isThere(id)).toBe(true);
});

test("a daemon that does not answer is said, so that it is tried again", async () => {
  const environment = { DOCKER_HOST: "unix:///nowhere/docker.sock", PATH: "/usr/bin:/bin" };
  await expect(removeLeftovers("a", { ...options, environment })).rejects.toThrow("no container daemon");
});
