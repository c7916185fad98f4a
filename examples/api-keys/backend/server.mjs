/** The service behind the gateway: it knows no keys, and believes what Envoy says of the caller. */
import { createServer } from 'node:http';

const port = Number(process.env.PORT ?? 3000);

const answers = {
  '/health': () => ({ status: 'ok' }),
  '/hello': ({ headers }) => ({
    message: `Hello, ${headers['x-user-id']}!`,
    user_id: headers['x-user-id'],
    api_key_id: headers['x-api-key-id'],
  }),
  '/echo': ({ method, url, headers }, body) => ({ method, url, headers, body }),
};

const server = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const answer = answers[new URL(request.url ?? '/', 'http://backend').pathname];
  const body = JSON.stringify(answer ? answer(request, Buffer.concat(chunks).toString()) : { error: 'Not Found' });
  response.writeHead(answer ? 200 : 404, { 'Content-Type': 'application/json' }).end(body);
});

server.listen(port, () => console.log(`listening on ${server.address().port}`));
process.on('SIGTERM', () => server.close());
