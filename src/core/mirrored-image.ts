// The name of an image at the mirror of its registry. Pure.

/** `mirrors`: registry host -> host, with a path where it has one. The image itself, fully qualified, where there is none. */
export function mirroredImage(image: string, mirrors: Readonly<Record<string, string>>): string {
  const slash = image.indexOf("/");
  const host = image.slice(0, slash);
  const mirror = slash > 0 && Object.hasOwn(mirrors, host) ? mirrors[host] : undefined;
  return mirror === undefined ? image : mirror.replace(/\/+$/, "") + image.slice(slash);
}
