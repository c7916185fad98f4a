/** The request that `--request` means: a URL with what the other options say of it, or a file. */
import { readFileSync, statSync } from 'node:fs';
import { parse, YAMLParseError } from 'yaml';
import { type ExplainQuestion, explainQuestion } from '../http/admin/explain-shapes.ts';

export type QuestionOptions = Readonly<{
  request: string;
  method?: string | undefined;
  header: readonly string[];
  certificate?: string | undefined;
  clientIp?: string | undefined;
  rule?: string | undefined;
  door?: string | undefined;
}>;

const MOST_BYTES = 256 * 1024;
const STDIN = 0;

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() === true;

const readText = (path: string): string => {
  const bytes = readFileSync(path === '-' ? STDIN : path);
  if (bytes.length > MOST_BYTES) throw new Error(`longer than ${MOST_BYTES} bytes`);
  return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
};

/** The error of a parser without the text that it quotes, which may be a credential. */
const messageOf = (error: unknown): string => {
  if (error instanceof YAMLParseError) return `line ${error.linePos?.[0].line ?? 1}: ${error.code}`;
  return error instanceof Error ? error.message : String(error);
};

/** YAML has JSON in it. */
const readFile = (path: string): unknown => parse(readText(path), { maxAliasCount: 0, prettyErrors: true });

const separator = /^([^:\s]+):\s*(.*)$/s;

/** The headers by name, or the one that is none. */
const readHeaders = (lines: readonly string[]): Record<string, string[]> | string => {
  const headers = new Map<string, string[]>();
  for (const [index, line] of lines.entries()) {
    const [, name, value = ''] = separator.exec(line) ?? [];
    if (name === undefined) return `--header ${index + 1}: expected NAME: VALUE`;
    headers.set(name, [...(headers.get(name) ?? []), value]);
  }
  return Object.fromEntries(headers);
};

const names: Readonly<Record<string, 'uris' | 'dns_names'>> = { uri: 'uris', dns: 'dns_names' };

/** A file with the certificate, or a name as `callers` and `allowed_clients` write it. */
const readCertificate = (text: string): unknown => {
  if (isFile(text)) return readText(text);
  const [, kind = '', value = ''] = /^(uri|dns|sha256):(.+)$/s.exec(text) ?? [];
  const list = names[kind];
  if (list) return { [list]: [value] };
  return kind === 'sha256' ? { fingerprint: value } : { subject: text };
};

const readUrl = (url: string, options: QuestionOptions): unknown => {
  const headers = readHeaders(options.header);
  if (typeof headers === 'string') throw new Error(headers);
  const { method, certificate, clientIp, rule, door } = options;
  return {
    url,
    headers,
    ...(method !== undefined && { method }),
    ...(certificate !== undefined && { certificate: readCertificate(certificate) }),
    ...(clientIp !== undefined && { client_ip: clientIp }),
    ...(rule !== undefined && { rule }),
    ...(door !== undefined && { door }),
  };
};

const beside = ({ header, method, certificate, clientIp, rule, door }: QuestionOptions): boolean =>
  header.length > 0 || [method, certificate, clientIp, rule, door].some((option) => option !== undefined);

/** The question, or a sentence that says what is wrong with it. */
export const readQuestion = (options: QuestionOptions): ExplainQuestion | string => {
  const { request } = options;
  const isUrl = /^https?:\/\//i.test(request);
  if (!isUrl && request !== '-' && !isFile(request))
    return `--request ${request}: no such file, and no URL of http or https`;
  if (!isUrl && beside(options)) return 'a file says everything about the request: the options beside it are for a URL';
  try {
    const parsed = explainQuestion.safeParse(isUrl ? readUrl(request, options) : readFile(request));
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    const place = issue?.path.join('.') ?? '';
    return `${isUrl ? '--request' : request}: ${place === '' ? '' : `${place}: `}${issue?.message ?? 'not a request'}`;
  } catch (error) {
    return isUrl ? messageOf(error) : `${request}: ${messageOf(error)}`;
  }
};
