// What the settings say of routes in a cluster: which kind of object they are, and what all of them have in common.

export interface RouteSettings {
  kind: "ingress" | "httproute";
  /** Namespace of the platform. */
  namespace: string;
  /** As people reach the platform; "" for any. */
  host: string;
  /** IngressClass; the cluster's default unless told. */
  className?: string;
  /** Secret with the host's certificate. Without it the address is http, unless whoever is in front knows better. */
  tlsSecret?: string;
  annotations: Record<string, string>;
  /** Of HTTPRoutes. */
  gateway?: { name: string; namespace?: string };
}
