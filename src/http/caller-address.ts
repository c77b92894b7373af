// From which address a call comes: of the connection, or as a reverse proxy tells it that is known to be ours. What anybody
// else writes into that header is not believed.

import type { IncomingMessage } from "node:http";
import { BlockList, isIP } from "node:net";

export type CallerAddress = (request: IncomingMessage) => string;

/** `proxies`: addresses and networks, such as `10.0.0.0/8`. Throws for what is neither. */
export function createCallerAddress(proxies: readonly string[]): CallerAddress {
  const ours = new BlockList();
  for (const proxy of proxies) addNetwork(ours, proxy);
  const isOurs = (address: string) => {
    const version = isIP(address);
    return version !== 0 && ours.check(address, version === 6 ? "ipv6" : "ipv4");
  };
  return request => {
    const peer = plain(request.socket.remoteAddress ?? "");
    if (!isOurs(peer)) return peer;
    // Each proxy adds whom it has heard at the end: the last one that is none of ours is the caller.
    const told = String(request.headers["x-forwarded-for"] ?? "").split(",");
    let address = peer;
    for (const next of told.map(each => plain(each.trim())).reverse()) {
      if (isIP(next) === 0) return address;
      address = next;
      if (!isOurs(next)) return next;
    }
    return address;
  };
}

/** Whether it is an address or a network. */
export function isNetwork(text: string): boolean {
  try {
    addNetwork(new BlockList(), text);
    return true;
  } catch {
    return false;
  }
}

function addNetwork(list: BlockList, text: string): void {
  const [address = "", bits, ...more] = text.split("/");
  const version = isIP(address);
  const most = version === 6 ? 128 : 32;
  const isRight =
    version !== 0 && more.length === 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && +bits <= most));
  if (!isRight) throw new Error(`"${text}" is neither an address nor a network`);
  list.addSubnet(address, bits === undefined ? most : Number(bits), version === 6 ? "ipv6" : "ipv4");
}

/** An IPv4 address that came over an IPv6 socket. */
function plain(address: string): string {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
}
