/** Proxies keep their connections to Sallyport: opening one for each request would cost more than the decision. */
import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { after, test } from 'node:test';
import { request } from '../servers/request.ts';
import { openHouse } from './house.ts';
import { lineUp } from './line-up.ts';

const house = await openHouse({ after });
const { key } = await house.gate.createKey();

const asked = [
  ['/free/1', {}, 200],
  ['/orders/1', { 'X-API-Key': key }, 200],
  ['/orders/1', {}, 401],
  ['/premium/1', {}, 402],
  ['/nothing', {}, 403],
] as const;

for (const proxy of lineUp) {
  test(`${proxy.name}: 200 requests, allowed and refused, over few connections`, { skip: proxy.skip }, async (t) => {
    const front = await proxy.start(house.ports, t);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    const connections = () => house.relay.connections() + house.grpcRelay.connections();
    const before = connections();
    for (let sent = 0; sent < 200; sent++) {
      const [path, headers, status] = asked[sent % asked.length] ?? asked[0];
      const answer = await request(front.url, path, { headers, agent });
      assert.equal(answer.status, status);
    }
    const opened = connections() - before;
    if (proxy.connectsEachTime) assert.equal(opened, 320, 'for each auth call, and each of 120 refusals');
    else assert.ok(opened <= 2, `${opened} connections`);
  });
}
