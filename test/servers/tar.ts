/** Archives as `tar --format=ustar` writes them, and such as it would not. */

const field = (text: string, length: number): Buffer => {
  const bytes = Buffer.alloc(length);
  bytes.write(text);
  return bytes;
};

const octal = (value: number, length: number): Buffer => field(value.toString(8).padStart(length - 1, '0'), length);

/** One file with its header. `kind`: `0` a file, `2` a link, `x` a header for the next one. */
export const tarEntry = (path: string, content: string | Buffer, kind = '0'): Buffer => {
  const cut = path.length > 100 ? path.lastIndexOf('/', 154) : -1;
  const [prefix, name] = cut === -1 ? ['', path] : [path.slice(0, cut), path.slice(cut + 1)];
  const bytes = Buffer.from(content);
  const head = [field(name, 100), octal(0o600, 8), octal(0, 8), octal(0, 8), octal(bytes.length, 12), octal(0, 12)];
  const tail = [
    field(kind, 1),
    field('', 100),
    field('ustar\u000000', 8),
    field('', 80),
    field(prefix, 155),
    field('', 12),
  ];
  const blank = Buffer.concat([...head, Buffer.alloc(8, ' '), ...tail]);
  const sum = blank.reduce((total, byte) => total + byte, 0);
  const header = Buffer.concat([...head, field(`${sum.toString(8).padStart(6, '0')}\0 `, 8), ...tail]);
  return Buffer.concat([header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
};

export const tar = (files: Readonly<Record<string, string | Buffer>>): Buffer =>
  Buffer.concat([...Object.entries(files).map(([path, content]) => tarEntry(path, content)), Buffer.alloc(1024)]);
