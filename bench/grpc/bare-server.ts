/** What Checks are measured against: a unary method of grpc-js that reads nothing of its message and always answers the same. */
import grpc from '@grpc/grpc-js';
import { methods } from '../../test/peers/envoy-api.ts';

const server = new grpc.Server();
const bytes = (message: Buffer) => message;
const answer = Buffer.alloc(200, '\x0a\x00');

const check = {
  ...methods.check,
  requestSerialize: bytes,
  requestDeserialize: bytes,
  responseSerialize: bytes,
  responseDeserialize: bytes,
};

server.addService(
  { check },
  { check: (_call: unknown, reply: (error: null, message: Buffer) => void) => reply(null, answer) },
);

server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  console.log(`listening on ${port}`);
});
