// Endpoints as queries and actions of React. What a query shows is asked for again when the stream of changes says so; a
// failed action is told as a toast unless the caller takes the error himself.

import {
  keepPreviousData,
  type QueryClient,
  type UseQueryResult,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { toastError } from "../ui/toasts.tsx";
import { type Answer, ApiProblem, api, type Call, type EndpointId, type Item } from "./client.ts";

export interface ApiOptions {
  /** Not asked as long as it is false. */
  enabled?: boolean;
  /** Shows what was there while another page or filter loads. */
  keep?: boolean;
  /** The run that it belongs to, where the call itself does not say so: its changes make it stale. */
  run?: string;
  /** Milliseconds, for what no stream tells of; or what to make of the answer that is there. */
  every?: number | ((answer: unknown) => number | false);
}

/** What a query's `meta` holds, for `stale-on.ts`. */
export interface LiveMeta extends Record<string, unknown> {
  endpoint: EndpointId;
  call: { params?: Record<string, unknown> };
  run: string | undefined;
}

type AnyCalls = Record<string, (call: object) => Promise<unknown>>;

/** One call of the api that reads. */
export function useApi<K extends EndpointId>(
  id: K,
  call: Call<K>,
  options: ApiOptions = {},
): UseQueryResult<Answer<K>, Error> {
  return useQuery({
    queryKey: [id, call],
    queryFn: ({ signal }) =>
      (api as unknown as AnyCalls)[id]!({ ...(call as object), signal }) as Promise<Answer<K>>,
    meta: { endpoint: id, call, run: options.run } as LiveMeta,
    enabled: options.enabled ?? true,
    ...(options.keep ? { placeholderData: keepPreviousData as never } : {}),
    ...intervalOf(options),
  }) as UseQueryResult<Answer<K>, Error>;
}

function intervalOf({ every }: ApiOptions) {
  if (every === undefined) return {};
  if (typeof every === "number") return { refetchInterval: every };
  return { refetchInterval: (query: { state: { data?: unknown } }) => every(query.state.data) };
}

export interface Pages<T> {
  /** Undefined before the first answer. */
  items: T[] | undefined;
  error: Error | null;
  hasMore: boolean;
  isLoadingMore: boolean;
  more(): void;
}

/** A list, page by page. What was loaded is kept up to date together. */
export function usePages<K extends EndpointId>(
  id: K,
  call: Call<K>,
  options: ApiOptions & { limit?: number } = {},
): Pages<Item<K>> {
  const { limit = 50 } = options;
  const found = useInfiniteQuery({
    queryKey: [id, call, "pages", limit],
    queryFn: ({ pageParam, signal }) => {
      const query = {
        ...(call as { query?: object }).query,
        limit,
        ...(pageParam ? { after: pageParam } : {}),
      };
      return (api as unknown as AnyCalls)[id]!({ ...(call as object), query, signal }) as Promise<{
        items: Item<K>[];
        next?: string;
      }>;
    },
    initialPageParam: "",
    getNextPageParam: page => page.next,
    maxPages: 40,
    meta: { endpoint: id, call, run: options.run } as LiveMeta,
    enabled: options.enabled ?? true,
    ...(options.keep ? { placeholderData: keepPreviousData as never } : {}),
    ...intervalOf(options),
  });
  return {
    items: found.data?.pages.flatMap(page => page.items),
    error: found.error,
    hasMore: found.hasNextPage,
    isLoadingMore: found.isFetchingNextPage,
    more: () => void found.fetchNextPage(),
  };
}

export interface ActionOptions<T> {
  /** After it was done, and before what it changed is asked for again. */
  done?(answer: T): void;
  /** Endpoints that show what it changes. */
  changes?: readonly EndpointId[];
  /** Shows the error in its own place instead of a toast. */
  failed?(error: Error): void;
}

/** One call of the api that changes something. */
export function useAction<K extends EndpointId>(id: K, options: ActionOptions<Answer<K>> = {}) {
  const queries = useQueryClient();
  return useMutation<Answer<K>, Error, Call<K>>({
    mutationFn: call => (api as unknown as AnyCalls)[id]!(call as object) as Promise<Answer<K>>,
    onSuccess: answer => {
      options.done?.(answer);
      return refresh(queries, options.changes ?? []);
    },
    onError: error => {
      if (options.failed === undefined) toastError(error);
      else options.failed(error);
    },
  });
}

/** Asks again for all that these endpoints have answered. */
export async function refresh(queries: QueryClient, ids: readonly EndpointId[]): Promise<void> {
  await Promise.all(ids.map(id => queries.invalidateQueries({ queryKey: [id] })));
}

/** Whether asking again may help. */
export function mayPass(error: unknown): boolean {
  return !(error instanceof ApiProblem) || error.status >= 500 || error.status === 429;
}
