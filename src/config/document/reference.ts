import { formatPath } from '../path.ts';
import { overlayRows } from '../read/overlay.ts';
import { defaultFiles } from '../read/source.ts';
import { configSchema } from '../schema/config.ts';
import { allKeys, type Key } from '../schema-walk.ts';
import { insecureMeanings } from '../unsafe.ts';
import { type Block, blocksOf, defaultOf, descriptionOf, isRequired, typeOf } from './keys.ts';

const code = (text: string): string => `\`${text}\``;
const cell = (text: string): string => text.replaceAll('|', '\\|');

const table = (heads: readonly string[], rows: readonly (readonly string[])[]): string =>
  [heads, heads.map(() => '---'), ...rows.map((row) => row.map(cell))]
    .map((row) => `| ${row.join(' | ')} |`)
    .join('\n');

const keyRow = (key: Key): string[] => {
  const fallback = defaultOf(key.schema);
  return [
    code(key.name),
    typeOf(key.schema),
    fallback === undefined ? (isRequired(key.schema) ? 'required' : '') : code(fallback),
    descriptionOf(key.schema),
  ];
};

const blockText = ({ name, keys, sameAs }: Block): string => {
  const title = `### ${name === '' ? 'The file' : code(name)}`;
  if (sameAs !== undefined) return `${title}\n\nKeys as in ${code(sameAs)}.`;
  return `${title}\n\n${table(['Key', 'Type', 'Default', 'Meaning'], keys.map(keyRow))}`;
};

const intro = `# Configuration

<!-- Generated from src/config by "npm run fix". Change the schema, not this file. -->

Sallyport reads one YAML file. It is the one given with \`--config\`, else the one in \`AUTHZ_CONFIG_PATH\`, else the first
that exists of ${defaultFiles.map(code).join(', ')}. With none it starts on its
embedded defaults, and refuses every request, because no rule allows any. \`sallyport init\` writes a file to begin with;
\`sallyport validate\` checks one without starting, \`--without-env\` where its variables and secret files are not at hand.

Every mistake is reported at once, with its line. Unknown keys are mistakes. So are two answers to one question, such as
two rules of one name. A block that is written is switched on; \`enabled: false\` switches it off again. Editors that speak
the YAML language server check the file as you type against \`sallyport.schema.json\`.

## Values

| Form | Meaning |
| --- | --- |
| \`500ms\`, \`60s\`, \`5m\`, \`1h30m\`, \`7d\` | A duration. |
| \`512\`, \`64KiB\`, \`1MiB\` | A size in bytes. |
| \`\${NAME}\` | The environment variable \`NAME\`. One that is missing or empty is a mistake. |
| \`\${NAME:-default}\` | The same, with a default, which may be empty. |
| \`$\${\` | A literal \`\${\`. |
| \`file:/run/secrets/name\` | For secrets: what the file holds, without its last line break. Relative paths start at the configuration file. |
| \`vault:secret/data/path#key\` | For secrets: a value in Vault (KV version 2), see \`vault\`. |

A list of one value may be written as the value. Variables stand inside longer texts too (\`/Accounts/\${ACCOUNT}\`). What they hold is a value and never becomes YAML: it cannot
add a key or a list item. Without quotes, \`\${NAME}\` alone may also fill a key that takes a number, \`true\` or \`false\`.
Inside \`{…}\` and \`[…]\` it needs quotes.`;

const overlayText = `## Environment

These variables overlay the file and win over it. Loading says which of them took effect.

${table(
  ['Variable', 'Key', 'Counts'],
  overlayRows.map(({ variable, path, when, enables }) => [
    code(variable),
    code(formatPath(path)),
    enables ? 'always, and switches the block on' : (when?.words ?? 'always'),
  ]),
)}`;

const insecureText = `## Unsafe set-ups

Sallyport does not start on these, unless it is given the flag.

${table(
  ['Flag', 'Allows'],
  Object.entries(insecureMeanings).map(([flag, meaning]) => [code(`--${flag}`), meaning]),
)}`;

/** `docs/configuration.md`: what every key takes and means. */
export const configurationReference = (): string =>
  `${[intro, overlayText, insecureText, '## Keys', ...blocksOf(allKeys(configSchema)).map(blockText)].join('\n\n')}\n`;
