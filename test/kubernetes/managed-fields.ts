// Who manages which fields of an object (metadata.managedFields, FieldsV1).

import type { ApiObject } from "./api-object.ts";
import type { ApiRequest, Cluster } from "./api-request.ts";

export function managedAfterUpdate(_cluster: Cluster, _request: ApiRequest) {
  return (after: ApiObject, _before: ApiObject | undefined): ApiObject => after;
}
