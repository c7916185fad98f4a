import type { ErrorCode, YAMLError } from 'yaml';

/** The parser's own texts quote the file, and may quote a secret; these say the same without quoting. */
const messages: Record<ErrorCode, string> = {
  ALIAS_PROPS: 'an alias (*name) cannot have an anchor or tag of its own',
  BAD_ALIAS: 'not a valid anchor or alias name',
  BAD_COLLECTION_TYPE: 'the tag does not fit the value',
  BAD_DIRECTIVE: 'unknown YAML directive',
  BAD_DQ_ESCAPE: 'invalid escape sequence in double quotes; write \\\\ for a backslash, or use single quotes',
  BAD_INDENT: 'wrong indentation; keys of one mapping must start in the same column',
  BAD_PROP_ORDER: 'anchors and tags must come after the indicator',
  BAD_SCALAR_START: 'a plain value cannot start with this character; put the value in quotes',
  BLOCK_AS_IMPLICIT_KEY:
    'a mapping cannot start here; put a value that holds ": " in quotes, and begin nested keys on a new line',
  BLOCK_IN_FLOW: 'an indented block cannot stand inside […] or {…}',
  DUPLICATE_KEY: 'the key is there twice',
  IMPOSSIBLE: 'not valid YAML',
  KEY_OVER_1024_CHARS: 'a key is longer than 1024 characters',
  MISSING_CHAR: 'something is missing here: a closing quote, a comma, a colon with a space after it, or a "- "',
  MULTILINE_IMPLICIT_KEY: 'a key must stand on one line and be followed by a colon',
  MULTIPLE_ANCHORS: 'a value can have only one anchor',
  MULTIPLE_DOCS: 'a second YAML document starts here; one file holds one configuration',
  MULTIPLE_TAGS: 'a value can have only one tag',
  NON_STRING_KEY: 'a key must be text',
  RESOURCE_EXHAUSTION: 'the file is too deeply nested',
  TAB_AS_INDENT: 'a tab cannot indent YAML; use spaces',
  TAG_RESOLVE_FAILED: 'unknown tag; write the plain value without "!"',
  UNEXPECTED_TOKEN: 'not expected here; a quote, bracket or brace may be missing before it',
};

export const yamlMessage = ({ code }: Pick<YAMLError, 'code'>): string => messages[code] ?? messages.IMPOSSIBLE;
