// Tokens and who they stand for. Nobody's token is 401; no token at all is system:anonymous.

import { ApiFault } from "./api-fault.ts";
import type { User } from "./api-request.ts";

export interface Users {
  /** A new token of that user. */
  issue(user: User): string;
  revoke(token: string): void;
  /** Of the `Authorization` header. Throws ApiFault 401. */
  of(authorization: string | undefined): User;
}

export const clusterAdmin: User = {
  name: "kubernetes-admin",
  groups: ["system:masters", "system:authenticated"],
};

export function serviceAccountUser(namespace: string, name: string): User {
  const groups = ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"];
  return { name: `system:serviceaccount:${namespace}:${name}`, groups };
}

export function openUsers(random: () => string): Users {
  const users = new Map<string, User>();
  return {
    issue(user) {
      const token = `token-${random()}`;
      users.set(token, user);
      return token;
    },
    revoke: token => void users.delete(token),
    of(authorization) {
      if (authorization === undefined)
        return { name: "system:anonymous", groups: ["system:unauthenticated"] };
      const user = users.get(authorization.replace(/^Bearer /i, ""));
      if (user === undefined) throw new ApiFault(401, "Unauthorized", "Unauthorized");
      return user;
    },
  };
}
