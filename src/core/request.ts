/** A client's certificate whose chain was verified by our own handshake or by a trusted proxy. */
export type ClientCertificate = Readonly<{
  /** As OpenSSL prints it, a line for each part. */
  subject: string;
  issuer: string;
  /** SHA-256 of the DER form, lower-case hexadecimal. */
  fingerprint: string;
  /** The subject as `canonicalName` gives names; undefined where it cannot be read. */
  canonicalSubject: string | undefined;
  uris: readonly string[];
  /** In lower case. */
  dnsNames: readonly string[];
  /** Upper-case hexadecimal; empty where a proxy does not tell. */
  serial: string;
  /** Attributes of the subject by their usual short names (`CN`, `O`, `OU`), in the order of the name. */
  attributes: Readonly<Record<string, readonly string[]>>;
}>;

/** What any proxy tells us about a request, in the one canonical form on which everything is decided. */
export type AuthRequest = Readonly<{
  /** Correlation id: the proxy's own, or made here. */
  id: string;
  method: string;
  scheme: 'http' | 'https';
  /** Lower case, no port, no trailing dot. */
  host: string;
  /** Percent-decoded; begins with a slash; no dot segments, no empty segments. */
  path: string;
  /** What follows the first `?`, as it came; empty when there is none. */
  query: string;
  /** Empty where the proxy does not tell. */
  clientIp: string;
  /** What a trusted proxy says that the request must cost at least, as it came. */
  requiredAmount?: string | undefined;
  certificate?: ClientCertificate | undefined;
  /** A header of the client's request, by its lower-case name; several lines of one name come joined by commas. */
  header(name: string): string | undefined;
  /** The name of a header that came with the request and meets the test, as it was spelt. */
  findHeaderName(test: (name: string) => boolean): string | undefined;
}>;
