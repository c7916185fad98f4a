/** A WebSocket through egress: once the target has switched, two sockets whose bytes are not looked at. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** Whoever offers another protocol besides, such as h2c, gets its answer by HTTP/1.1 (RFC 9110 section 7.8). */
export const asksForWebSocket = ({ headers }: IncomingMessage): boolean => /websocket/i.test(headers.upgrade ?? '');

const lines = (headers: readonly string[]): string => {
  let text = '';
  for (let at = 0; at < headers.length; at += 2) text += `${headers[at]}: ${headers[at + 1]}\r\n`;
  return text;
};

const KEEP_ALIVE_MS = 60_000;

/** `headers` are those of the target's answer that go on. `ended` is called once, when both sides have ended. */
export const joinSockets = (caller: Socket, target: Duplex, headers: readonly string[], ended: () => void): void => {
  // It stands still for as long as nobody has anything to say; who is gone is found by TCP.
  caller.setTimeout(0);
  caller.setKeepAlive(true, KEEP_ALIVE_MS);
  caller.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${lines(headers)}\r\n`,
    'latin1',
  );
  let open = 2;
  const over = (other: Duplex) => () => {
    other.destroy();
    open -= 1;
    if (open === 0) ended();
  };
  // What breaks one side is told by its end.
  caller.on('error', () => undefined).once('close', over(target));
  target.on('error', () => undefined).once('close', over(caller));
  caller.pipe(target);
  target.pipe(caller);
};
