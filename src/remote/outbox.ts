// Numbered parcels on their way to the platform: sent in batches, one request at a time, repeated until they are stored,
// in the order of their numbers. What does not fit into memory waits on disk while the platform is away; while it
// is merely slow, whoever makes the parcels waits.

import { SlipwayError } from "../core/failure.ts";
import type { Clock } from "../lib/clock.ts";
import type { Spool } from "./spool.ts";

export interface Parcel {
  /** From 1, without gaps. */
  readonly seq: number;
  /** Of what it is sent as, about. Bytes. */
  readonly size: number;
  /** What is sent. Once asked for, the parcel changes no more. */
  encode(): Uint8Array[];
}

export interface OutboxOptions {
  /** Sends a batch until it is answered: the number up to which all is stored. What it throws ends the outbox. */
  post(batch: readonly Parcel[]): Promise<number>;
  /** What one request may hold. */
  most: { parcels: number; bytes: number };
  /** What may wait in memory. */
  memoryBytes: number;
  spool: Spool;
  /** Whether requests fail at the moment. */
  isAway(): boolean;
  /** Between the beginnings of two requests, so that small parcels go together. Milliseconds. */
  paceMs: number;
  /** How long the first of some waits for more. Milliseconds. */
  lingerMs: number;
  clock: Clock;
}

export interface Outbox {
  /** Puts in the next parcel; `ready` says when there may be more. */
  put(parcel: Parcel): void;
  /** The last parcel that was put in has grown. */
  grew(bytes: number): void;
  /** Resolves when there is room. Throws what ended the outbox. */
  ready(): Promise<void>;
  /** Resolves when everything up to `seq` is stored; sent at once. Throws what ended the outbox. */
  stored(seq: number): Promise<void>;
  /** The number up to which all is stored. */
  readonly storedUpTo: number;
  readonly last: number;
  /** Resolves, never rejects, when nothing is sent any more: after `end`, or after a failure, which it tells. */
  readonly ended: Promise<unknown>;
  /** Ends it when what is on its way is answered. */
  end(reason: unknown): void;
}

/** Not answered for so long counts as away. Milliseconds. */
const slowMs = 2000;
/** Before a batch of which nothing was stored is sent again. Milliseconds. */
const againMs = 200;
/** From here on a batch is worth a request of its own. Bytes. */
const goodBatch = 256 * 1024;

/** Starts to send with the first parcel. */
export function openOutbox(options: OutboxOptions): Outbox {
  return new SendingOutbox(options);
}

class SendingOutbox implements Outbox {
  storedUpTo = 0;
  last = 0;
  /** The highest number that was ever sent. */
  #sent = 0;
  readonly ended: Promise<unknown>;
  readonly #options: OutboxOptions;
  readonly #end: (reason: unknown) => void;
  /** Oldest first: to be sent next. */
  #memory: Parcel[] = [];
  #memoryBytes = 0;
  /** Newest: what has no room in memory yet. */
  #incoming: Parcel[] = [];
  #failure: { reason: unknown } | undefined;
  #urgent = false;
  #refilling = false;
  #moving: Promise<void> | undefined;
  #spoolFails = false;
  #busySince: number | undefined;
  #sentAt = Number.NEGATIVE_INFINITY;
  #waiters: (() => void)[] = [];

  constructor(options: OutboxOptions) {
    this.#options = options;
    const ended = Promise.withResolvers<unknown>();
    this.ended = ended.promise;
    this.#end = ended.resolve;
    void this.#send().catch(error => this.end(error));
  }

  put(parcel: Parcel): void {
    this.last = parcel.seq;
    if (this.#incoming.length === 0 && this.#hasRoom()) this.#remember(parcel);
    else this.#incoming.push(parcel);
    this.#wake();
  }

  grew(bytes: number): void {
    if (this.#incoming.length === 0) this.#memoryBytes += bytes;
  }

  async ready(): Promise<void> {
    this.#throwIfEnded();
    if (this.#incoming.length === 0) return;
    this.#moving ??= this.#makeRoom().finally(() => {
      this.#moving = undefined;
    });
    await this.#moving;
  }

  async stored(seq: number): Promise<void> {
    this.#urgent = true;
    this.#wake();
    while (this.storedUpTo < seq) {
      this.#throwIfEnded();
      await this.#change();
    }
  }

  end(reason: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = { reason };
    this.#end(reason);
    this.#wake();
  }

  #throwIfEnded(): void {
    if (this.#failure !== undefined) throw this.#failure.reason;
  }

  #remember(parcel: Parcel): void {
    this.#memory.push(parcel);
    this.#memoryBytes += parcel.size;
  }

  /** Whether a parcel may stand in memory: nothing older waits on disk. */
  #hasRoom(): boolean {
    const { spool, memoryBytes } = this.#options;
    return spool.length === 0 && !this.#refilling && this.#memoryBytes < memoryBytes;
  }

  #wake(): void {
    for (const waiter of this.#waiters.splice(0)) waiter();
  }

  /** Resolves with the next change of anything, or after `ms`. */
  #change(ms?: number): Promise<void> {
    return new Promise(resolve => {
      const disarm = ms === undefined ? () => undefined : this.#options.clock.after(ms, resolve);
      this.#waiters.push(() => {
        disarm();
        resolve();
      });
    });
  }

  /** Until everything that came in stands in memory or on disk. */
  async #makeRoom(): Promise<void> {
    for (let next = this.#incoming[0]; next !== undefined; next = this.#incoming[0]) {
      this.#throwIfEnded();
      if (this.#hasRoom()) {
        this.#incoming.shift();
        this.#remember(next);
        this.#wake();
      } else if (!this.#shouldSpool() || !(await this.#spooled(next))) {
        await this.#change(slowMs);
      }
    }
  }

  #shouldSpool(): boolean {
    const { spool, isAway, clock } = this.#options;
    if (this.#spoolFails) return false;
    const slow = this.#busySince !== undefined && clock.monotonic() - this.#busySince >= slowMs;
    return spool.length > 0 || this.#refilling || isAway() || slow;
  }

  /** A disk that takes nothing makes the job wait, and breaks nothing. */
  async #spooled(parcel: Parcel): Promise<boolean> {
    try {
      const taken = await this.#options.spool.add(parcel.encode());
      if (taken) this.#incoming.shift();
      if (taken) this.#wake();
      return taken;
    } catch {
      this.#spoolFails = this.#options.spool.length === 0;
      return false;
    }
  }

  async #refill(): Promise<void> {
    const { spool, memoryBytes } = this.#options;
    this.#refilling = true;
    try {
      while (spool.length > 0 && this.#memoryBytes < memoryBytes / 2) {
        const bytes = await spool.take();
        if (bytes === undefined) return;
        const seq = (this.#memory.at(-1)?.seq ?? this.storedUpTo) + 1;
        this.#remember({ seq, size: bytes.length, encode: () => [bytes] });
      }
    } finally {
      this.#refilling = false;
    }
  }

  async #send(): Promise<void> {
    while (this.#failure === undefined) {
      if (this.#memory.length === 0) {
        // One may have come to disk when the last that stood in memory was on its way.
        if (this.#options.spool.length > 0) await this.#refill();
        else await this.#change();
        continue;
      }
      await this.#pace();
      const batch = this.#take();
      this.#busySince = this.#options.clock.monotonic();
      const stored = await this.#options.post(batch);
      this.#busySince = undefined;
      await this.#acknowledge(batch, stored);
    }
  }

  /** Waits until sending is worth it. */
  async #pace(): Promise<void> {
    const { clock, paceMs, lingerMs } = this.#options;
    const until = Math.max(clock.monotonic() + lingerMs, this.#sentAt + paceMs);
    for (;;) {
      const left = until - clock.monotonic();
      if (left <= 0 || this.#urgent || this.#memoryBytes >= goodBatch || this.#failure !== undefined) break;
      await this.#change(left);
    }
    this.#urgent = false;
    this.#sentAt = clock.monotonic();
  }

  #take(): Parcel[] {
    const { parcels, bytes: most } = this.#options.most;
    let count = 0;
    for (let bytes = 0; count < Math.min(parcels, this.#memory.length); count++) {
      bytes += this.#memory[count]!.size;
      if (bytes > most && count > 0) break;
    }
    return this.#memory.slice(0, count);
  }

  async #acknowledge(batch: readonly Parcel[], stored: number): Promise<void> {
    this.#sent = Math.max(this.#sent, batch.at(-1)!.seq);
    if (!Number.isSafeInteger(stored) || stored < this.storedUpTo || stored > this.#sent) {
      throw new SlipwayError(
        "platform-contradicts",
        `the platform says that ${stored} is stored; ${this.storedUpTo} was, and ${this.#sent} was sent`,
      );
    }
    const count = stored - this.storedUpTo;
    for (const parcel of this.#memory.splice(0, count)) this.#memoryBytes -= parcel.size;
    this.storedUpTo = stored;
    await this.#refill();
    this.#wake();
    // Asked again at once, it would answer the same again.
    if (count === 0) await new Promise<void>(resolve => this.#options.clock.after(againMs, resolve));
  }
}
