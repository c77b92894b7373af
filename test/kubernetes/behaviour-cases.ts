// What is asked of a real server and of the stand-in, in this order. Answers of a real one are in recorded-behaviour.json.

import { applyCases } from "./behaviour-applies.ts";
import type { BehaviourCase } from "./behaviour-case.ts";
import { objectCases } from "./behaviour-objects.ts";
import { podCases } from "./behaviour-pods.ts";

export const behaviourCases: BehaviourCase[] = [...podCases, ...objectCases, ...applyCases];
