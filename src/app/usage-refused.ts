// Wrong usage, found out only after flags were parsed: told to the person who typed it, and no run ever begins.

import type { Refusal } from "../core/failure.ts";

export class UsageRefused extends Error {
  readonly hint: string | undefined;

  constructor(refusal: Refusal) {
    super(refusal.message);
    this.name = "UsageRefused";
    this.hint = refusal.hint;
  }
}
