import { StringDecoder } from 'node:string_decoder';

/** An object of Kubernetes is smaller than what etcd takes, 1.5 MB. */
const LONGEST_LINE = 4 * 1024 * 1024;

/** One JSON value a line, as they come. Throws where a line is no JSON or has no end. */
export async function* jsonLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<unknown, void> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of chunks) {
    rest += decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > LONGEST_LINE) throw new Error(`a line is longer than ${LONGEST_LINE} characters`);
    for (const line of lines) if (line !== '') yield JSON.parse(line);
  }
}
