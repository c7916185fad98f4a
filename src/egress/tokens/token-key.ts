/** What a token is kept under, and what seals it where others could read it. */
import { createHmac, hkdfSync } from 'node:crypto';

export type TokenKey = Readonly<{
  /** Over everything that makes one token another; says nothing of it. */
  id: string;
  /** 32 bytes. */
  sealing: Uint8Array;
}>;

const derive = (material: string | Uint8Array, info: string): Buffer =>
  Buffer.from(hkdfSync('sha256', material, '', `sallyport egress token\n${info}`, 32));

/** `material`: what every replica has and nobody who reads the store. Each part is taken with its length. */
export const createTokenKey = (material: string | Uint8Array, parts: readonly string[]): TokenKey => {
  const hmac = createHmac('sha256', derive(material, 'id'));
  for (const part of parts) hmac.update(`${Buffer.byteLength(part)}:${part}`);
  const id = hmac.digest('base64url');
  return { id, sealing: derive(material, `sealing\n${id}`) };
};
