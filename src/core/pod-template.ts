/** The operator's template of a pod, and the places in it for what is known of a payment. */
import type { PaidPod } from './pod.ts';

export type Json = string | number | boolean | null | readonly Json[] | JsonObject;

export type JsonObject = Readonly<{ [key: string]: Json }>;

/** Of a `v1` PodTemplateSpec, found to be safe or allowed all the same. */
export type PodTemplate = Readonly<{
  /** By which rules choose it. */
  name: string;
  labels: JsonObject;
  annotations: JsonObject;
  spec: JsonObject;
}>;

/** By name. */
export type PodTemplates = Readonly<Record<string, PodTemplate>>;

/** Of a payment, and none of it chosen by the payer's request. */
const values = {
  pod: ({ name }) => name,
  payment: ({ paymentId }) => paymentId,
  amount: ({ amount }) => String(amount),
  unit: ({ unit }) => unit,
  expires: ({ expiresAtMs }) => new Date(expiresAtMs).toISOString(),
  // For templates whose text has braces of its own.
  "'{{'": () => '{{',
} as const satisfies Record<string, (pod: PaidPod) => string>;

const places: ReadonlyMap<string, (pod: PaidPod) => string> = new Map(
  Object.entries(values).map(([word, value]) => [`{{ ${word} }}`, value]),
);

/** For messages. */
export const podPlaces: readonly string[] = [...places.keys()];

/** From `{{` to the first `}}`; to the end where there is none. */
const place = /\{\{[\s\S]*?(?:\}\}|$)/g;

/** What stands in the text as a place and is none. */
export const unknownPlaces = (text: string): readonly string[] =>
  [...text.matchAll(place)].flatMap(([found]) => (places.has(found) ? [] : [found]));

/** Once over the text: what a value holds is never looked at again. */
const fillText = (text: string, pod: PaidPod): string =>
  text.replace(place, (found) => places.get(found)?.(pod) ?? found);

/** Fills texts alone, never keys: whatever a value holds, the shape stays. */
export const fillPlaces = (template: JsonObject, pod: PaidPod): JsonObject =>
  Object.fromEntries(Object.entries(template).map(([key, value]) => [key, filled(value, pod)]));

const filled = (value: Json, pod: PaidPod): Json => {
  if (typeof value === 'string') return fillText(value, pod);
  if (isList(value)) return value.map((item) => filled(item, pod));
  return isObject(value) ? fillPlaces(value, pod) : value;
};

/** `Array.isArray` does not tell readonly lists from objects. */
export const isList = (value: Json): value is readonly Json[] => Array.isArray(value);

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
