// How a daemon wants to hear of a registry that a file names by a URL.

const hub = /^(?:index\.|registry-1\.|registry\.hub\.)?docker\.(?:io|com)$/;

/** Host and port of a registry's URL; for Docker Hub the address under which daemons know it. */
export function registryServer(url: string): string {
  const host = url.replace(/^[a-z][a-z0-9+.-]*:\/\//i, "").split("/", 1)[0]!;
  return hub.test(host) ? "https://index.docker.io/v1/" : host;
}
