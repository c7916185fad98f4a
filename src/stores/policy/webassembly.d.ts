/** The part of WebAssembly's JavaScript interface that is used here: TypeScript declares it for browsers alone. */
declare namespace WebAssembly {
  type ImportedFunction = (...values: number[]) => number | undefined;

  class Module {
    constructor(bytes: Uint8Array);
    static imports(module: Module): { module: string; name: string; kind: string }[];
    static exports(module: Module): { name: string; kind: string }[];
  }

  class Memory {
    constructor(pages: { initial: number; maximum?: number });
    readonly buffer: ArrayBuffer;
    /** By pages of 64 KiB. Throws beyond the maximum. */
    grow(pages: number): number;
  }

  class Global {
    value: unknown;
  }

  class Instance {
    constructor(module: Module, imports?: Record<string, Record<string, ImportedFunction | Memory>>);
    readonly exports: Readonly<Record<string, ((...values: number[]) => number) | Memory | Global | undefined>>;
  }

  class RuntimeError extends Error {}

  function compile(bytes: Uint8Array): Promise<Module>;
}
