import type { Secret } from '../core/secret.ts';

/** A secret that lives in Vault (KV version 2): the value of `key` at `path`. */
export class VaultReference {
  readonly path: string;
  readonly key: string;

  constructor(path: string, key: string) {
    this.path = path;
    this.key = key;
  }
}

/** A value that lives in a file; loading replaces it by what the file holds, so no finished configuration has one. */
export class FileReference {
  readonly path: string;
  readonly secret: boolean;

  constructor(path: string, { secret = true } = {}) {
    this.path = path;
    this.secret = secret;
  }
}

/** A file that another system defines: loading replaces it by its text. */
export class DocumentReference {
  readonly kind = 'document';
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }
}

export class DocumentText {
  readonly file: string;
  /** Undefined where it is not there and need not be. */
  readonly text: string | undefined;

  constructor(file: string, text: string | undefined) {
    this.file = file;
    this.text = text;
  }
}

/** A secret as a finished configuration holds it. */
export type SecretValue = Secret | VaultReference;
