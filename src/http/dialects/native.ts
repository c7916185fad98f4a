/** For callers that are no proxy, and for trying things out: `/auth/native/the/path` asks about `/the/path`. */
import { isRefusal, refuse } from '../../core/refusal.ts';
import { problemReply } from '../problem.ts';
import { allowLines } from './allow-lines.ts';
import type { Dialect } from './dialect.ts';
import { readRequestLine } from './envoy.ts';

export const native: Dialect = {
  name: 'native',
  needsTrust: false,
  tellsBody: true,

  read(incoming) {
    if (!incoming.target.startsWith('/')) {
      return refuse('incomplete_question', 'No path follows the endpoint. Expected /auth/native/the/path.');
    }
    const request = readRequestLine(incoming, incoming.target, true);
    return isRefusal(request) ? request : { request };
  },

  allow: (decision) => ({ status: 200, headers: allowLines(decision) }),

  deny: problemReply,
};
