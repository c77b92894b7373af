// A value that must not be seen. It does not print itself; whoever needs the text says so by `reveal`.

const hidden = "***";

export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** The text itself. Never put it into an event, an error, a log line or a job. */
  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return hidden;
  }

  toJSON(): string {
    return hidden;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return hidden;
  }
}

/** Text of a value that may be a secret. */
export function reveal(value: string | Secret): string {
  return typeof value === "string" ? value : value.reveal();
}
