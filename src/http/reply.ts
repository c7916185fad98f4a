import type { ServerResponse } from 'node:http';
import type { Reply } from './dialects/dialect.ts';

/**
 * One `writeHead`, one `end`. Every answer states its length, and none may be kept: a cached decision would outlive its
 * credential.
 */
export const sendReply = (response: ServerResponse, { status, headers, body = '' }: Reply, requestId: string): void => {
  headers['Cache-Control'] = 'no-store';
  headers['X-Request-ID'] = requestId;
  headers['Content-Length'] = String(Buffer.byteLength(body));
  response.writeHead(status, headers);
  response.end(body);
};
