// Tokens with which workers take jobs.

import { useAction, usePages } from "../../api/use-api.ts";
import { toast } from "../../ui/toasts.tsx";
import { TokenPanel } from "../../ui/token-panel.tsx";

export function WorkerTokens() {
  const tokens = usePages("listWorkerTokens", {}, { limit: 200 });
  const create = useAction("createWorkerToken", { changes: ["listWorkerTokens"], failed: () => undefined });
  const revoke = useAction("revokeWorkerToken", {
    changes: ["listWorkerTokens"],
    done: () => toast("The token is revoked."),
  });
  return (
    <TokenPanel
      title="Tokens of workers"
      about="Workers take jobs of its classes with it. Give it to them as SLIPWAY_WORKER_TOKEN."
      tokens={tokens}
      withClasses
      pending={create.isPending}
      create={({ name, days, classes }, done, failed) =>
        create.mutate({ body: { name, days, classes } }, { onSuccess: done, onError: failed })
      }
      revoke={id => revoke.mutate({ params: { token: id } })}
    />
  );
}
