import { afterAll, beforeAll } from "vitest";
import { queueContract } from "../queue.contract.ts";
import { queueWorld } from "./fixtures/queue-world.ts";
import { startTestDatabase, type TestDatabase } from "./fixtures/test-database.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
}, 60_000);
afterAll(() => database[Symbol.asyncDispose]());

queueContract("postgres", () => queueWorld(database.db));
