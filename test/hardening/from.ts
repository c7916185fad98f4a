import { request as send } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Answered } from '../servers/request.ts';

/** A GET from an address of one's own: every 127.x.y.z is this machine, and only some of them are trusted proxies. */
export const requestFrom = (
  localAddress: string,
  url: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answered> =>
  new Promise((resolve, reject) => {
    const outgoing = send(url, { localAddress, headers, agent: false }, (incoming) => {
      const { statusCode = 0, headers: received, rawHeaders } = incoming;
      text(incoming).then((body) => resolve({ status: statusCode, headers: received, rawHeaders, body }), reject);
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
