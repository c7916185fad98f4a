import { type Document, isScalar, LineCounter, type Node, parseDocument } from 'yaml';
import type { Finding } from '../finding.ts';
import type { Environment } from './interpolate.ts';
import type { Position } from './spot.ts';
import { readTree, type Tree } from './tree.ts';
import { yamlMessage } from './yaml-errors.ts';

export type Placed = Readonly<{ finding: Finding; at: Position }>;

export type ParsedText = Readonly<{
  tree: Tree;
  placed: readonly Placed[];
  /** The text is not YAML: what was read of it means nothing, and checking it would only invent problems. */
  broken: boolean;
}>;

const start: Position = { line: 1, column: 1 };
const nothing: Tree = { value: {}, spot: { value: start, children: new Map() } };

/** `{ addr: ${ADDR} }` is the commonest slip: braces inside braces need quotes. */
const hintFor = (line: string): { hint?: string } => {
  const variable = line.indexOf('${');
  const inside = variable > 0 && /[{[]/.test(line.slice(0, variable));
  return inside ? { hint: `inside {…} and […] a variable needs quotes: "\${NAME}"` } : {};
};

/** The first slip of each line: what follows it is mostly its echo. */
const syntaxProblems = (document: Document, text: string, at: (offset: number) => Position): Placed[] => {
  const lines = text.split('\n');
  const first = new Map<number, Placed>();
  for (const error of [...document.errors, ...document.warnings]) {
    const place = at(error.pos[0]);
    const finding = { path: [], message: yamlMessage(error), ...hintFor(lines[place.line - 1] ?? '') };
    if (!first.has(place.line)) first.set(place.line, { finding, at: place });
  }
  return [...first.values()];
};

/** A file of comments alone, or of `---`. */
const isEmpty = (contents: Node | null): boolean =>
  contents === null || (isScalar(contents) && contents.value === null);

/** YAML text to plain values with their places. Without an environment `${` is text like any other. */
export const parseText = (text: string, env: Environment | undefined): ParsedText => {
  const lines = new LineCounter();
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return line > 0 ? { line, column: col } : start;
  };
  try {
    const document = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      uniqueKeys: false,
      logLevel: 'error',
    });
    const syntax = syntaxProblems(document, text, at);
    if (syntax.length > 0) return { tree: nothing, placed: syntax, broken: true };
    if (isEmpty(document.contents)) return { tree: nothing, placed: [], broken: false };
    const placed: Placed[] = [];
    const position = (node: Node | null | undefined) => (node?.range ? at(node.range[0]) : undefined);
    const tree = readTree(document.contents, position, env, (finding, place) => placed.push({ finding, at: place }));
    return { tree, placed, broken: false };
  } catch (error) {
    // The parser recurses, so a file of ten thousand brackets exhausts the stack before it is told to stop.
    const message =
      error instanceof RangeError ? yamlMessage({ code: 'RESOURCE_EXHAUSTION' }) : yamlMessage({ code: 'IMPOSSIBLE' });
    return { tree: nothing, placed: [{ finding: { path: [], message }, at: start }], broken: true };
  }
};
