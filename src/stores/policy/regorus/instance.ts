/** One instance of the module of `rego/`: an engine with its own memory. Its ABI is written down in `rego/src/lib.rs`. */
import { readFileSync } from 'node:fs';

export type Outcome =
  | Readonly<{ outcome: 'value'; json: string }>
  | Readonly<{ outcome: 'boolean'; value: boolean }>
  | Readonly<{ outcome: 'undefined' | 'timeout' | 'unknown' }>
  | Readonly<{ outcome: 'failed'; message: string }>
  /** It can be used no more. */
  | Readonly<{ outcome: 'lost'; tookTooLong: boolean; cause: unknown }>;

export type Instance = Readonly<{
  addPolicy(file: string, text: string): Outcome;
  addData(json: string): Outcome;
  /** The syntax trees of all policies, as JSON. */
  syntax(): Outcome;
  /** Known from then on by how many came before it. */
  addQuery(query: string): Outcome;
  /** Keeps a JSON object, whose members `evaluate` adds to an input by its place: the first is 0, and a place may be taken again. */
  keep(place: number, part: string): Outcome;
  /** `input` is a JSON object without the members that are kept at `places`, of which there are two at most. */
  evaluate(query: number, input: string, wallClockMs: number, timeoutMs: number, ...places: readonly number[]): Outcome;
  /** Bytes of memory, which never become fewer. */
  size(): number;
}>;

const outcomes = ['value', 'undefined', 'failed', 'timeout', 'unknown', 'false', 'true'] as const;

const yes: Outcome = { outcome: 'boolean', value: true };
const no: Outcome = { outcome: 'boolean', value: false };

/** Where nothing is kept. */
const NOWHERE = -1;

let compiled: WebAssembly.Module | undefined;

/** Compiled once for all instances. */
const moduleOf = (): WebAssembly.Module => {
  compiled ??= new WebAssembly.Module(readFileSync(new URL('rego.wasm', import.meta.url)));
  return compiled;
};

/** Of this thread: what a policy is stopped for is its own work, and not that a busy machine did something else meanwhile. */
const threadMs = (): number => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
};

export const createInstance = (): Instance => {
  const { exports } = new WebAssembly.Instance(moduleOf(), { host: { monotonic_ms: threadMs } });
  const called = (name: string) => {
    const found = exports[name];
    if (typeof found !== 'function') throw new TypeError(`rego.wasm has no function ${name}`);
    return found;
  };
  const { memory } = exports;
  if (!(memory instanceof WebAssembly.Memory)) throw new TypeError('rego.wasm has no memory');
  const [reserve, answer, answerLength, stopped] = ['reserve', 'answer', 'answer_len', 'stopped'].map(called);
  if (!reserve || !answer || !answerLength || !stopped) throw new Error('unreachable: each of them was found');
  const acting = ['add_policy', 'add_data', 'syntax', 'add_query', 'keep', 'evaluate'].map(called);
  const [addPolicy, addData, syntax, addQuery, keep, evaluate] = acting;
  if (!addPolicy || !addData || !syntax || !addQuery || !keep || !evaluate)
    throw new Error('unreachable: each of them was found');

  /** Memory that grows is another buffer. */
  let view = Buffer.from(memory.buffer);
  const current = (): Buffer => {
    if (view.buffer !== memory.buffer) view = Buffer.from(memory.buffer);
    return view;
  };

  const write = (text: string): void => {
    const length = Buffer.byteLength(text);
    const at = reserve(length);
    current().write(text, at, length, 'utf8');
  };

  const read = (): string => {
    const at = answer();
    return current().toString('utf8', at, at + answerLength());
  };

  /** Every failure inside ends in a trap, after which nothing in there can be trusted. */
  const ask = (text: string, call: () => number): Outcome => {
    try {
      write(text);
      const outcome = outcomes[call()];
      switch (outcome) {
        case 'value':
          return { outcome, json: read() };
        case 'true':
          return yes;
        case 'false':
          return no;
        case 'failed':
          return { outcome, message: read() };
        case 'undefined':
        case 'timeout':
        case 'unknown':
          return { outcome };
        default:
          throw new TypeError('rego.wasm gives another answer than it is known to give');
      }
    } catch (cause) {
      return { outcome: 'lost', tookTooLong: stopped() === 1, cause };
    }
  };

  return {
    addPolicy: (file, text) => ask(file + text, () => addPolicy(Buffer.byteLength(file))),
    addData: (json) => ask(json, () => addData()),
    syntax: () => ask('', () => syntax()),
    addQuery: (query) => ask(query, () => addQuery()),
    keep: (place, part) => ask(part, () => keep(place)),
    evaluate: (query, input, wallClockMs, timeoutMs, one = NOWHERE, other = NOWHERE) =>
      ask(input, () => evaluate(query, one, other, wallClockMs, timeoutMs)),
    size: () => memory.buffer.byteLength,
  };
};
