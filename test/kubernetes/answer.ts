// How an answer is shaped: objects, lists, or only their metadata where the client asks for no more.

import type { ApiObject } from "./api-object.ts";
import type { ApiRequest } from "./api-request.ts";
import { apiVersionOf } from "./resources.ts";

export interface Answer {
  code: number;
  body: unknown;
}

const wantsMetadata = (request: ApiRequest) => /as=PartialObjectMetadata(List)?\b/.test(request.accept);

export function objectAnswer(request: ApiRequest, object: ApiObject, code = 200): Answer {
  return { code, body: shapedObject(request, object) };
}

export function shapedObject(request: ApiRequest, object: ApiObject): unknown {
  if (!wantsMetadata(request)) return object;
  return { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: object.metadata };
}

export interface ListMeta {
  resourceVersion: string;
  continue?: string;
  remainingItemCount?: number;
}

export function listAnswer(request: ApiRequest, items: ApiObject[], metadata: ListMeta): Answer {
  const { resource } = request;
  if (wantsMetadata(request)) {
    const kind = "PartialObjectMetadataList";
    return {
      code: 200,
      body: {
        kind,
        apiVersion: "meta.k8s.io/v1",
        metadata,
        items: items.map(each => shapedObject(request, each)),
      },
    };
  }
  const plain = items.map(({ kind: _, apiVersion: __, ...rest }) => rest);
  return {
    code: 200,
    body: { kind: `${resource.kind}List`, apiVersion: apiVersionOf(resource), metadata, items: plain },
  };
}
