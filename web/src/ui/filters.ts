// Filters that live in the address: what is shown can be sent to somebody, and Back goes back.

import { useMemo } from "react";
import { useLocation, useSearch } from "wouter";

/** Values of the address's query by name, and how to change some of them. Empty ones are left out. */
export function useFilters<Name extends string>(names: readonly Name[]) {
  const search = useSearch();
  const [path, navigate] = useLocation();
  return useMemo(() => {
    const query = new URLSearchParams(search);
    const values = Object.fromEntries(names.map(name => [name, query.get(name) || undefined])) as Partial<
      Record<Name, string>
    >;
    const set = (changes: Partial<Record<Name, string | undefined>>, options: { replace?: boolean } = {}) => {
      const next = new URLSearchParams(search);
      for (const [name, value] of Object.entries(changes) as [Name, string | undefined][]) {
        if (value) next.set(name, value);
        else next.delete(name);
      }
      const text = next.toString();
      navigate(`${path}${text === "" ? "" : `?${text}`}`, { replace: options.replace ?? false });
    };
    return { values, set, any: Object.values(values).some(Boolean) };
    // The names are a constant of each page.
  }, [search, path, navigate, names]);
}
