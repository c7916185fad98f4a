/** The application behind the gate: it knows nothing of money, and shows what it is told of the caller. */
import { createServer } from 'node:http';

const server = createServer(({ method, url, headers }, response) => {
  response.setHeader('Content-Type', 'application/json');
  response.end(`${JSON.stringify({ method, url, headers }, null, 2)}\n`);
});

server.listen(Number(process.env.PORT ?? 3000));
process.on('SIGTERM', () => server.close());
