/**
 * Header values with places for the values of a credential: `Bearer {{api_key}}`, or `Basic {{basic email api_token}}` for a
 * user and a password in one (RFC 7617).
 */

import { isHeaderText } from './header-text.ts';

/** Why a header could not be made. `key` names the value. */
export type Unfilled = Readonly<{ unfilled: 'missing' | 'unsafe'; key: string }>;

export type HeaderTemplate = Readonly<{
  /** The values that it needs. */
  keys: readonly string[];
  fill(values: Values): string | Unfilled;
}>;

type Part = Readonly<{ text: string }> | Readonly<{ key: string }> | Readonly<{ user: string; password: string }>;

const place = /\{\{([^{}]*)\}\}/;
const key = /^[a-z0-9][a-z0-9_-]*$/;
const LONGEST_VALUE = 8_192;

const parsePlace = (inner: string): Part | undefined => {
  const words = inner.trim().split(/ +/);
  const [first = '', user = '', password = ''] = words;
  if (words.length === 1 && key.test(first)) return { key: first };
  return words.length === 3 && first === 'basic' && key.test(user) && key.test(password)
    ? { user, password }
    : undefined;
};

const keysOf = (part: Part): string[] => {
  if ('key' in part) return [part.key];
  return 'user' in part ? [part.user, part.password] : [];
};

/** Gives the template, or a sentence that says what is wrong with it. */
export const parseHeaderTemplate = (text: string): HeaderTemplate | string => {
  if (!isHeaderText(text)) return 'has characters that a header cannot carry';
  const pieces = text.split(place);
  const parts: Part[] = [];
  for (const [index, piece] of pieces.entries()) {
    const part = index % 2 === 0 ? { text: piece } : parsePlace(piece);
    if (!part) return `{{${piece}}} is no place for a value: {{key}}, or {{basic user password}} with two keys`;
    if ('text' in part && /[{}]/.test(part.text)) return 'has a brace that belongs to no {{key}}';
    parts.push(part);
  }
  const keys = [...new Set(parts.flatMap(keysOf))];
  if (keys.length === 0) return 'has no place for a value, such as {{api_key}}';
  return { keys, fill: (values) => fill(parts, values) };
};

type Values = (key: string) => string | undefined;

const isUnfilled = (outcome: string | Unfilled): outcome is Unfilled => typeof outcome !== 'string';

const safeValue = (name: string, values: Values): string | Unfilled => {
  const value = values(name) ?? '';
  if (value === '') return { unfilled: 'missing', key: name };
  return isHeaderText(value) && value.length <= LONGEST_VALUE ? value : { unfilled: 'unsafe', key: name };
};

const basic = (userKey: string, passwordKey: string, values: Values): string | Unfilled => {
  const user = safeValue(userKey, values);
  if (isUnfilled(user)) return user;
  // RFC 7617 section 2: a colon in the user's name would move a part of it into the password.
  if (user.includes(':')) return { unfilled: 'unsafe', key: userKey };
  const password = safeValue(passwordKey, values);
  return isUnfilled(password) ? password : btoa(`${user}:${password}`);
};

const fillPart = (part: Part, values: Values): string | Unfilled => {
  if ('text' in part) return part.text;
  return 'key' in part ? safeValue(part.key, values) : basic(part.user, part.password, values);
};

const fill = (parts: readonly Part[], values: Values): string | Unfilled => {
  let filled = '';
  for (const part of parts) {
    const text = fillPart(part, values);
    if (isUnfilled(text)) return text;
    filled += text;
  }
  return filled;
};
