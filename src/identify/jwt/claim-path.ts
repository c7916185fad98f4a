import type { Claims } from '../../core/identity.ts';

const isObject = (value: unknown): value is Claims =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const own = (claims: Claims, name: string): unknown => (Object.hasOwn(claims, name) ? claims[name] : undefined);

/**
 * The value at a dotted path such as `realm_access.roles`. A claim whose own name has dots, as in
 * `https://example.com/roles`, is found by its whole name first.
 */
export const claimAt = (claims: Claims, path: string): unknown => {
  const whole = own(claims, path);
  if (whole !== undefined) return whole;
  for (let dot = path.indexOf('.'); dot >= 0; dot = path.indexOf('.', dot + 1)) {
    const inner = own(claims, path.slice(0, dot));
    if (!isObject(inner)) continue;
    const value = claimAt(inner, path.slice(dot + 1));
    if (value !== undefined) return value;
  }
  return undefined;
};

const scalarText = (value: unknown): string | undefined =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;

/** Text for a header: strings, numbers and booleans as they are, lists of them as lists; anything else has no form. */
export const claimText = (value: unknown): string | readonly string[] | undefined => {
  if (!Array.isArray(value)) return scalarText(value);
  const texts = value.map(scalarText);
  return texts.every((text) => text !== undefined) ? texts : undefined;
};

/** A claim that lists names: a list of strings, or one string with spaces between them (RFC 8693 `scope`). */
export const claimNames = (value: unknown): readonly string[] => {
  if (typeof value === 'string') return value.split(' ').filter((name) => name !== '');
  return Array.isArray(value) ? value.filter((name) => typeof name === 'string') : [];
};
