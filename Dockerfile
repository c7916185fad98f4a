# syntax=docker/dockerfile:1
#
# Sallyport on Node 24 and nothing else: no shell, no package manager, user 65532, fit for a read-only root file system.
#
#   docker build -t ghcr.io/sallyport/sallyport:0.1.0 .
#   docker run --read-only -p 8080:8080 -v sallyport:/var/lib/sallyport \
#     -v ./sallyport.yaml:/etc/sallyport/config.yaml:ro ghcr.io/sallyport/sallyport:0.1.0
#
# Releases give both bases by digest: --build-arg RUNTIME=gcr.io/distroless/nodejs24-debian12:nonroot@sha256:…
# BUILD has a compiler, for the one library that brings no binary for arm64; nothing of it reaches the image.
ARG BUILD=node:24-bookworm
ARG RUNTIME=gcr.io/distroless/nodejs24-debian12:nonroot

# --- The files -------------------------------------------------------------------------------------------------------
FROM ${BUILD} AS build
WORKDIR /image/app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --omit=optional --ignore-scripts
RUN rm .npmrc package-lock.json
# The curve's library brings its binary for amd64. For arm64 it is compiled here, against the headers that lie beside Node: without it
# a payment costs some 50 times as much.
RUN binary=node_modules/secp256k1/prebuilds/linux-$(node -p process.arch)/secp256k1.glibc.node; \
    if [ ! -e "$binary" ]; then \
      gyp=$(dirname "$(realpath "$(command -v npm)")")/../node_modules/node-gyp/bin/node-gyp.js && \
      node "$gyp" rebuild --silent --directory=node_modules/secp256k1 --nodedir="$(dirname "$(realpath "$(command -v node)")")/.." && \
      mkdir -p "$(dirname "$binary")" && \
      mv node_modules/secp256k1/build/Release/addon.node "$binary" && \
      rm -rf node_modules/secp256k1/build; \
    fi
# Types, source maps, documentation, examples and tests of the dependencies: half of their size. Licences stay.
RUN find node_modules -type f '(' -name '*.ts' -o -name '*.[cm]ts' -o -name '*.map' -o -name '*.md' -o -name '*.test.js' ')' ! -iname 'licen[cs]e*' -delete
RUN find node_modules -type d '(' -name test -o -name tests -o -name examples -o -name docs -o -name .github ')' -prune -exec rm -rf '{}' +
# Of the curve's library only the binary is used: not its sources, nor the slow library that it falls back to.
RUN rm -rf node_modules/secp256k1/src node_modules/secp256k1/prebuilds/darwin-* node_modules/secp256k1/prebuilds/win32-* \
      node_modules/secp256k1/prebuilds/*/*.musl.node \
      node_modules/elliptic node_modules/node-addon-api
# Made for browsers, for compilers, for another runtime than Node, and for another kind of modules.
RUN rm -rf node_modules/@open-policy-agent/opa-wasm/dist node_modules/@open-policy-agent/opa-wasm/node_modules/yaml/browser \
      node_modules/yaml/browser node_modules/@types node_modules/bare-* node_modules/stripe/cjs node_modules/@smithy/*/dist-es
COPY LICENSE sallyport.schema.json ./
COPY bin bin
COPY src src
# What the user is to own. COPY gives away what it makes, and no directory that is there already: so the cache lies deeper.
RUN mkdir -p ../owned/app/compile-cache ../owned/data
# A command to type after `kubectl exec … --`: the kernel itself reads the first line, so that no shell is needed.
COPY --chmod=755 <<'COMMAND' /image/usr/local/bin/sallyport
#!/nodejs/bin/node
import('../../../app/bin/sallyport.js');
COMMAND

# --- The compile cache -----------------------------------------------------------------------------------------------
# Node keeps what it compiled, and the sources without their types, in NODE_COMPILE_CACHE, under its own version and user
# id. It is filled here, by the Node and the user that will read it: the first start of a container is as quick and small
# as the second one on a laptop. Another user id, or a mount over it, costs time and memory, and breaks nothing.
FROM ${RUNTIME} AS warm
COPY --from=build /image/app /app
COPY --from=build /image/usr /usr
COPY --from=build --chown=65532:65532 /image/owned/app /app
COPY <<'CONFIG' /warm-up/sallyport.yaml
http: { addr: "127.0.0.1:0" }
admin: { addr: "127.0.0.1:0", token: "only-while-the-image-is-built" }
store: "sqlite:warm-up.db"
jwt: { issuers: [{ name: warm-up, issuer: warm-up, audience: warm-up, secret: "no-request-ever-comes-from-outside-here" }] }
cashu: { mints: [{ url: "http://127.0.0.1:9" }] }
rules:
  - { name: free, match: { path: "/free" }, accept: [anonymous] }
  - { name: keys, match: { path: "/keys" }, accept: [api_key, jwt], limits: { per_minute: 10 } }
  - { name: paid, match: { path: "/paid" }, accept: [cashu], price: 1 }
CONFIG
COPY <<'SCRIPT' /warm-up/warm-up.mjs
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, globSync } from 'node:fs';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const sallyport = (...words) => [here('../usr/local/bin/sallyport'), ...words, '--config', here('sallyport.yaml')];
const run = (...words) => execFileSync(process.execPath, sallyport(...words), { encoding: 'utf8' });

run('validate');
const [key] = run('keys', 'create', '--user', 'warm-up', '--name', 'warm-up').split('\n');
const service = spawn(process.execPath, sallyport('serve'), { stdio: ['ignore', 'pipe', 'inherit'] });
const [said] = await Promise.race([
  once(service.stdout.setEncoding('utf8'), 'data'),
  once(service, 'exit').then(() => Promise.reject(new Error('the service did not start'))),
]);
const [, address] = /answers on (\S+)\/auth/.exec(said);
const jwt = ['{"alg":"HS256","typ":"JWT"}', '{"iss":"warm-up"}', 'x'].map((part) => Buffer.from(part).toString('base64url'));
for (const [path, credential] of [
  ['/ready'],
  ['/metrics'],
  ['/auth/native/free'],
  ['/auth/native/keys', key],
  ['/auth/native/keys', jwt.join('.')],
  ['/auth/native/paid'],
  ['/auth/native/paid', 'cashuBrubbish'],
]) {
  const headers = credential === undefined ? {} : { authorization: `Bearer ${credential}` };
  const { status } = await fetch(`http://${address}${path}`, { headers });
  console.log(status, path);
}
service.kill('SIGINT');
await once(service, 'exit');
// Node makes its cache files for their owner alone; the owner will be root, so that the service cannot change its own code.
const cached = globSync(`${process.env.NODE_COMPILE_CACHE}/*/*`);
if (cached.length === 0) throw new Error('the compile cache is empty');
for (const file of cached) chmodSync(file, 0o444);
console.log(cached.length, 'files in the compile cache');
SCRIPT
ENV NODE_ENV=production NODE_COMPILE_CACHE=/app/compile-cache
USER 65532:65532
WORKDIR /tmp
RUN ["/nodejs/bin/node", "/warm-up/warm-up.mjs"]

# --- The image -------------------------------------------------------------------------------------------------------
FROM ${RUNTIME}
LABEL org.opencontainers.image.title="Sallyport" \
      org.opencontainers.image.description="Forward-auth service for NGINX, Traefik, Envoy, Istio, Caddy and HAProxy: API keys, JWTs and Cashu ecash." \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="https://github.com/sallyport/sallyport" \
      org.opencontainers.image.documentation="https://github.com/sallyport/sallyport/blob/main/docs/kubernetes.md"
COPY --from=warm --chown=0:0 /app /app
COPY --from=build /image/usr/local/bin/sallyport /usr/local/bin/sallyport
COPY --from=build --chown=65532:65532 /image/owned/data /var/lib/sallyport
ENV NODE_ENV=production NODE_COMPILE_CACHE=/app/compile-cache
# Without a configuration of its own a store lands here: data/sallyport.db.
WORKDIR /var/lib/sallyport
VOLUME /var/lib/sallyport
USER 65532:65532
EXPOSE 8080
STOPSIGNAL SIGTERM
# For Docker and Compose; Kubernetes has probes of its own. It asks the port that EXPOSE names.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
  CMD ["/nodejs/bin/node", "-e", "require('node:http').get('http://127.0.0.1:8080/ready', (answer) => process.exit(answer.statusCode === 200 ? 0 : 1)).on('error', () => process.exit(1))"]
ENTRYPOINT ["/usr/local/bin/sallyport"]
CMD ["serve"]
