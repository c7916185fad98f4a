import { buildConnector } from 'undici';

/**
 * undici takes a reset for the end of an answer that lasts until the end of its connection: half of a file would look whole. By
 * another name it is what it is.
 */
const tellReset = (error: NodeJS.ErrnoException): void => {
  if (error.code === 'ECONNRESET') error.code = 'UND_ERR_SOCKET';
};

/** Options as undici's `connect` takes them; `allowH2` is its own. */
export const createConnect = (options: buildConnector.BuildOptions): buildConnector.connector => {
  const connect = buildConnector(options);
  return (to, callback) =>
    connect(to, (...[error, socket]: Parameters<buildConnector.Callback>) => {
      if (error) {
        callback(error, null);
        return;
      }
      socket.on('error', tellReset);
      callback(null, socket);
    });
};
