import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { type ScalarBindings, signSchnorr } from './bip340.ts';

const native: ScalarBindings = createRequire(import.meta.url)('secp256k1/bindings.js');

// biome-ignore format: a table is read by its columns
/** The test vectors of BIP-340 that sign 32 bytes. */
const vectors: readonly (readonly [key: string, aux: string, message: string, signature: string])[] = [
  ['03'.padStart(64, '0'), '00'.repeat(32), '00'.repeat(32),
    'e907831f80848d1069a5371b402410364bdf1c5f8307b0084c55f1ce2dca821525f66a4a85ea8b71e482a74f382d2ce5ebeee8fdb2172f477df4900d310536c0'],
  ['b7e151628aed2a6abf7158809cf4f3c762e7160f38b4da56a784d9045190cfef', '01'.padStart(64, '0'),
    '243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89',
    '6896bd60eeae296db48a229ff71dfe071bde413e6d43f917dc8dcf8c78de33418906d11ac976abccb20b091292bff4ea897efcb639ea871cfa95f6de339e4b0a'],
  ['c90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b14e5c9', 'c87aa53824b4d7ae2eb035a2b5bbbccc080e76cdc6d1692c4b0b62d798e6d906',
    '7e2d58d8b3bcdf1abadec7829054f90dda9805aab56c77333024b9d0a508b75c',
    '5831aaeed7b44bb74e5eab94ba9d4294c49bcf2a60728d8b4c200f50dd313c1bab745879a5ad954a72c45a91c3a51d3c7adea98d82f8481e0e1e03674a6f3fb7'],
  ['0b432b2677937381aef05bb02a66ecd012773062cf3fa2549e44f58ed2401710', 'ff'.repeat(32), 'ff'.repeat(32),
    '7eb0509757e246f19449885651611cb965ecc1a187dd51b64fda1edc9637d5ec97582b9cb13db3933705b32ba982af5af25fd78881ebb32771fc5922efc66ea3'],
];

const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex');

for (const [key, aux, message, signature] of vectors) {
  test(`BIP-340 signature by ${key.slice(-6)}`, () => {
    const privateKey = bytes(key);
    assert.equal(signSchnorr(native, privateKey, bytes(message), bytes(aux)).toString('hex'), signature);
    assert.equal(privateKey.toString('hex'), key, 'the key is left as it was');
  });
}

for (const [title, key] of [
  ['0', '00'.repeat(32)],
  ['beyond the order', 'ff'.repeat(32)],
] as const) {
  test(`a key that is ${title} signs nothing`, () => {
    assert.throws(() => signSchnorr(native, bytes(key), Buffer.alloc(32)));
  });
}
