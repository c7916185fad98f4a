import ipaddr from 'ipaddr.js';

/** Where a listener listens; no host means every address of the machine. */
export type Address = Readonly<{ host?: string; port: number }>;

const form = /^(?:\[([^\]]+)\]|([^:[\]\s]*)):(\d{1,5})$/;
const hostForm = /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/;

const validHost = (bracketed: string | undefined, plain: string): boolean =>
  bracketed === undefined ? plain === '' || hostForm.test(plain) : ipaddr.IPv6.isValid(bracketed);

/** Reads `:8080`, `127.0.0.1:8081`, `[::1]:8080` and `name:8080`; undefined for anything else. */
export const parseAddress = (text: string): Address | undefined => {
  const [, bracketed, plain = '', digits] = form.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65_535 || !validHost(bracketed, plain)) return undefined;
  const host = bracketed ?? plain;
  return host === '' ? { port } : { host, port };
};
