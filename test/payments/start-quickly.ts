/**
 * Options of Node for processes that are started by the hundred, only to be killed: without them a third of their time goes into
 * asking for each of 300 modules whether it is a link, and into all of undici, which cashu-ts loads to see that it is there.
 */
export const startQuickly = ['--preserve-symlinks', '--no-experimental-websocket'];
