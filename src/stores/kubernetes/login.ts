/** Where the API server is, and who we are to it. */
import type { ConnectionOptions } from 'node:tls';

export type Credentials = Readonly<{
  headers: Readonly<Record<string, string>>;
  tls: Readonly<Pick<ConnectionOptions, 'ca' | 'cert' | 'key' | 'servername' | 'rejectUnauthorized'>>;
}>;

export type Login = Readonly<{
  server: URL;
  /** An HTTP proxy on the way. */
  proxy?: string;
  /** As they are now: tokens and certificates are renewed while we run. */
  credentials(): Promise<Credentials>;
}>;
