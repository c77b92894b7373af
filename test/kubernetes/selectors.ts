// Label and field selectors of lists, watches and deletecollection.
// https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors

import { badRequest } from "./api-fault.ts";
import type { ApiObject } from "./api-object.ts";
import type { Resource } from "./resources.ts";

export type Fits = (object: ApiObject) => boolean;

/** Throws ApiFault 400. */
export function selectorOf(resource: Resource, labels: string | null, fields: string | null): Fits {
  const byLabels = labelsFit(labels ?? "");
  const byFields = fieldsFit(resource, fields ?? "");
  return object => byLabels(object.metadata.labels ?? {}) && byFields(object);
}

type LabelsFit = (labels: Record<string, string>) => boolean;

const one = /^\s*(!)?\s*([A-Za-z0-9][\w./-]*)\s*(?:(==|!=|=)\s*([\w.-]*)|\s(in|notin)\s*\(([^()]*)\))?\s*$/;

function labelsFit(text: string): LabelsFit {
  const rules = splitOutside(text).map(ruleOf);
  return labels => rules.every(rule => rule(labels));
}

/** `status.phase!=Failed` takes the same forms. */
function ruleOf(text: string): LabelsFit {
  const found = one.exec(text);
  if (found === null) throw badRequest(`unable to parse requirement: ${whyNot(text)}`);
  const [, not, key = "", sign, value = "", word, list = ""] = found;
  if (sign === "=" || sign === "==") return labels => labels[key] === value;
  if (sign === "!=") return labels => labels[key] !== value;
  if (word !== undefined) {
    const values = list.split(",").map(each => each.trim());
    if (word === "in") return labels => labels[key] !== undefined && values.includes(labels[key]);
    return labels => labels[key] === undefined || !values.includes(labels[key]);
  }
  return not === undefined ? labels => labels[key] !== undefined : labels => labels[key] === undefined;
}

function whyNot(text: string): string {
  const open = /^\s*[\w./-]+\s+(?:in|notin)\s*\(([^)]*)$/.exec(text);
  if (open?.[1]?.trim() === "") return "found '', expected: ',', ')' or identifier";
  if (open !== null) return "found '', expected: ',' or ')'";
  return `found '${text.trim().split(/\s+/).at(-1) ?? ""}', expected: in, notin, =, ==, !=, gt, lt`;
}

function splitOutside(text: string): string[] {
  if (text.trim() === "") return [];
  const parts: string[] = [];
  let depth = 0;
  let part = "";
  for (const letter of text) {
    if (letter === "(") depth += 1;
    if (letter === ")") depth -= 1;
    if (letter === "," && depth === 0) {
      parts.push(part);
      part = "";
    } else part += letter;
  }
  return [...parts, part];
}

/** Beside metadata.name and metadata.namespace, which all have. */
const selectable: Record<string, string[]> = {
  pods: [
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "spec.hostNetwork",
    "status.phase",
    "status.podIP",
    "status.nominatedNodeName",
  ],
  secrets: ["type"],
  namespaces: ["status.phase", "name"],
  nodes: ["spec.unschedulable"],
  services: ["spec.clusterIP", "spec.type"],
  replicasets: ["status.replicas"],
  events: [
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type",
  ],
};

function fieldsFit({ plural }: Resource, text: string): Fits {
  if (text.trim() === "") return () => true;
  const rules = text.split(",").map(part => {
    const found = /^([\w.]+)(==|!=|=)(.*)$/.exec(part);
    if (found === null) throw badRequest(`invalid selector: '${text}'; can't understand '${part}'`);
    const [, field = "", sign, value] = found;
    const known = ["metadata.name", "metadata.namespace", ...(selectable[plural] ?? [])];
    if (!known.includes(field)) throw badRequest(`field label not supported: ${field}`);
    return (object: ApiObject) => (fieldText(object, field) === value) === (sign !== "!=");
  });
  return object => rules.every(rule => rule(object));
}

function fieldText(object: ApiObject, field: string): string {
  if (field === "name") return object.metadata.name;
  const value = field
    .split(".")
    .reduce<unknown>((at, step) => (at as Record<string, unknown> | undefined)?.[step], object);
  if (value === undefined)
    return field === "spec.hostNetwork" || field === "spec.unschedulable" ? "false" : "";
  return typeof value === "object"
    ? String((value as { component?: string }).component ?? "")
    : String(value);
}

interface LabelSelector {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
}

/** Of a budget, a Deployment, ... An empty selector takes all. */
export function labelSelectorFits(selector: LabelSelector, labels: Record<string, string>): boolean {
  const same = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
  return (
    same &&
    (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
      const value = labels[key];
      if (operator === "Exists") return value !== undefined;
      if (operator === "DoesNotExist") return value === undefined;
      const among = value !== undefined && values.includes(value);
      return operator === "In" ? among : !among;
    })
  );
}
