/**
 * One instance of a compiled policy, by its ABI (https://www.openpolicyagent.org/docs/wasm#abi-versions). Synchronous, and cannot be
 * interrupted: it runs on a thread that can be ended.
 */
import { createRequire } from 'node:module';
import type { PolicyAnswer } from '../../../checks/policy-engine.ts';
import { builtins, type Moment } from './builtins.ts';

/** What the SDK has beside `loadPolicy`, which would bring builtins that answer otherwise than OPA's. */
type Sdk = Readonly<{
  LoadedPolicy: new (
    instance: WebAssembly.Instance,
    memory: WebAssembly.Memory,
    minorVersion: number,
  ) => {
    readonly entrypoints: Readonly<Record<string, number>>;
    setData(json: ArrayBuffer): void;
    /** A list with one result, or an empty one where it is undefined. */
    evaluate(json: ArrayBuffer, entrypoint: number): readonly Readonly<{ result: unknown }>[];
  };
}>;

/** Its declarations leave out most of what it exports. */
const sdk: Sdk = createRequire(import.meta.url)('@open-policy-agent/opa-wasm');

export type Evaluator = Readonly<{
  /** Their numbers by their names, such as `orders/allow`. */
  entrypoints: Readonly<Record<string, number>>;
  /** Builtins that the policy needs, and that there are none of here. */
  missing: readonly string[];
  evaluate(entrypoint: number, input: string, moment: Moment): PolicyAnswer;
}>;

export type EvaluatorOptions = Readonly<{ module: WebAssembly.Module; data: string; mostPages: number }>;

/** Of 64 KiB each; what the SDK begins with. */
const FIRST_PAGES = 5;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Numbers that JavaScript cannot hold come as `bigint`. */
const parseValue = (json: string): unknown =>
  /\d{16}/.test(json)
    ? JSON.parse(json, (_key, value: unknown, context?: Readonly<{ source?: string }>) => {
        const isLarge = typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value);
        return isLarge && /^-?\d+$/.test(context?.source ?? '') ? BigInt(context?.source ?? value) : value;
      })
    : JSON.parse(json);

/** Its own buffer, which is how the SDK knows JSON text from a value. */
const bufferOf = (text: string): ArrayBuffer => encoder.encode(text).slice().buffer;

export const createEvaluator = ({ module, data, mostPages }: EvaluatorOptions): Evaluator => {
  const memory = new WebAssembly.Memory({ initial: FIRST_PAGES, maximum: mostPages });
  const names = new Map<number, string>();
  let moment: Moment = { nowMs: 0 };

  const textAt = (address: number): string => {
    const bytes = new Uint8Array(memory.buffer);
    return decoder.decode(bytes.subarray(address, bytes.indexOf(0, address)));
  };

  const call = (id: number, _context: number, ...addresses: readonly number[]): number => {
    const builtin = builtins.get(names.get(id) ?? '');
    if (!builtin) throw new Error(`${names.get(id)} is no builtin of this engine`);
    const result = builtin(moment, ...addresses.map((address) => parseValue(textAt(run('opa_json_dump', address)))));
    if (result === undefined) return 0;
    const json = encoder.encode(JSON.stringify(result));
    const address = run('opa_malloc', json.length);
    new Uint8Array(memory.buffer).set(json, address);
    return run('opa_json_parse', address, json.length);
  };

  const instance = new WebAssembly.Instance(module, {
    env: {
      memory,
      opa_abort: (address: number) => {
        throw new Error(textAt(address));
      },
      // What a policy prints may be anything of its input.
      opa_println: () => undefined,
      opa_builtin0: call,
      opa_builtin1: call,
      opa_builtin2: call,
      opa_builtin3: call,
      opa_builtin4: call,
    },
  });

  const run = (name: string, ...values: readonly number[]): number => {
    const exported = instance.exports[name];
    if (typeof exported !== 'function')
      throw new Error(`the module has no function ${name}: "opa build -t wasm" makes such`);
    return exported(...values);
  };
  const versionOf = (name: string): number => {
    const exported = instance.exports[name];
    return exported instanceof WebAssembly.Global ? Number(exported.value) : 0;
  };

  const [major, minor] = [versionOf('opa_wasm_abi_version'), versionOf('opa_wasm_abi_minor_version')];
  // Before 1.2 evaluation takes another way, which nothing here has tried.
  if (major !== 1 || minor < 2)
    throw new Error(`the module has version ${major}.${minor} of the ABI, expected 1.2 or later`);
  const needed: Readonly<Record<string, number>> = JSON.parse(textAt(run('opa_json_dump', run('builtins'))));
  for (const [name, id] of Object.entries(needed)) names.set(id, name);

  const policy = new sdk.LoadedPolicy(instance, memory, minor);
  policy.setData(bufferOf(data));

  return {
    entrypoints: policy.entrypoints,
    missing: Object.keys(needed)
      .filter((name) => !builtins.has(name))
      .sort(),

    evaluate(entrypoint, input, at) {
      moment = at;
      try {
        const [first] = policy.evaluate(bufferOf(input), entrypoint);
        return first ? { outcome: 'value', value: first.result } : { outcome: 'undefined' };
      } catch (error) {
        return { outcome: 'failed', cause: new Error(error instanceof Error ? error.message : String(error)) };
      }
    },
  };
};
