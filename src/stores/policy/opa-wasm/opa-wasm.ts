/** Policies that `opa build -t wasm` compiled, evaluated by threads of this process. */
import { readFile } from 'node:fs/promises';
import type { LoadedPolicy, PolicyOptions, PolicyProblem } from '../../../checks/policy-engine.ts';
import { documentPath, queryFor } from '../document-path.ts';
import { readBundle } from './bundle.ts';
import { BundleError } from './bundle-error.ts';
import type { Verification } from './signature.ts';
import { createThreads, type Threads } from './threads.ts';

export type OpaWasmOptions = PolicyOptions &
  Readonly<{
    /** A `bundle.tar.gz`, or a `.wasm` module. */
    file: string;
    verification?: Verification | undefined;
  }>;

/** 128 MiB for the input, the data and all that a policy makes of them, and as much again as the data is likely to take. */
const MOST_PAGES = 2_048;
const PAGE_BYTES = 64 * 1024;
const pagesFor = (data: string): number => MOST_PAGES + Math.ceil((data.length * 8) / PAGE_BYTES);

const SYSTEM_ERROR = /^E[A-Z]+$/;

/** What went wrong, without what is said of it by the problem's place. */
const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? String(error.code) : '';
  return SYSTEM_ERROR.test(code) ? `cannot be read: ${code}` : error.message;
};

const open = async ({ file, verification, timeoutMs, now }: OpaWasmOptions): Promise<Threads> => {
  const { wasm, data } = await readBundle(await readFile(file), verification);
  const module = await WebAssembly.compile(wasm).catch((error: unknown) => {
    throw new BundleError(`the module cannot be compiled: ${reasonOf(error)}`);
  });
  return createThreads({ evaluator: { module, data, mostPages: pagesFor(data) }, timeoutMs, now });
};

export const loadOpaWasm = async (options: OpaWasmOptions): Promise<LoadedPolicy> => {
  const { file, queries } = options;
  const problem = (message: string, rest: Pick<PolicyProblem, 'hint' | 'query'> = {}): PolicyProblem => ({
    file,
    line: 0,
    column: 0,
    message,
    ...rest,
  });
  let threads: Threads | undefined;
  try {
    threads = await open(options);
    const { entrypoints, missing } = await threads.ready;
    const known = Object.keys(entrypoints).sort();
    const unknown = queries.filter((query) => !known.includes(documentPath(query)));
    if (unknown.length > 0 || missing.length > 0) {
      await threads.close();
      const names = known.map(queryFor).join(', ');
      return {
        problems: [
          ...unknown.map((query) =>
            problem(`${query} is no entrypoint of it`, {
              query,
              hint: `it has ${names}: build it with -e ${documentPath(query)} as well`,
            }),
          ),
          ...(missing.length === 0
            ? []
            : [
                problem(`needs builtins that are not there in WebAssembly: ${missing.join(', ')}`, {
                  hint: 'do without them, or give the directory of .rego files or an OPA server instead',
                }),
              ]),
        ],
      };
    }
    const { evaluate, close } = threads;
    const numbers = new Map(queries.map((query) => [query, entrypoints[documentPath(query)]]));
    return {
      engine: {
        evaluate(query, input) {
          const entrypoint = numbers.get(query);
          if (entrypoint === undefined) return { outcome: 'failed', cause: new Error(`${query} was not loaded`) };
          return evaluate(entrypoint, input);
        },
        close,
      },
    };
  } catch (error) {
    await threads?.close();
    return { problems: [problem(reasonOf(error))] };
  }
};
