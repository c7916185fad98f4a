import { z } from 'zod';
import { block, listOf } from './forms.ts';
import { address, url } from './network.ts';
import { duration, integer, size, toggle } from './numbers.ts';
import { opaque } from './opaque.ts';
import { secret } from './secret.ts';
import { choice, filePath, name, text } from './texts.ts';

const grpcTls = block({
  enabled: toggle.prefault(true).describe('Whether the listener speaks TLS.'),
  cert_file: filePath.optional().describe('Certificate chain of the listener, in PEM. Watched for changes.'),
  key_file: filePath.optional().describe('Private key of the certificate, in PEM.'),
  client_ca_file: listOf(filePath)
    .prefault([])
    .describe('Certificate authorities of the proxies. With them a proxy must show a certificate.'),
  min_version: choice(['1.2', '1.3']).prefault('1.2').describe('Oldest TLS version accepted.'),
  crl_file: listOf(filePath)
    .prefault([])
    .describe(
      'Revoked client certificates, in PEM: a list of every authority of a chain. Who is on none is refused, too, once a list has run out.',
    ),
});

export const grpc = block({
  addr: address.prefault(':9001').describe('Where Envoy asks over gRPC.'),
  ext_authz: toggle.prefault(true).describe('Answer `envoy.service.auth.v3.Authorization`.'),
  access_log: toggle
    .prefault(true)
    .describe(
      'Take `envoy.service.accesslog.v3` streams as usage, where `usage` is on. Usage behind Envoy is then what these say, and not what was decided: turn it off where Envoy sends none.',
    ),
  access_log_identity: choice(['metadata', 'headers'])
    .prefault('metadata')
    .describe(
      'Where an entry says who called. `headers` also believes `x-api-key-id` and `x-user-id` of the logged request: safe only where no request is logged that Sallyport was not asked about.',
    ),
  max_message_size: size.prefault('4MiB').describe('Most bytes of one message.'),
  tls: grpcTls.optional().describe('TLS on this listener.'),
}).describe('The gRPC listener.');

const podTemplate = opaque({ label: 'PodTemplate | file:PATH', expected: 'a PodTemplate, or file:PATH' });

export const pods = block({
  enabled: toggle.prefault(true).describe('Whether payments start pods.'),
  namespace: name.prefault('user-workloads').describe('Namespace of the pods.'),
  template: podTemplate.optional().describe('The template called `default`.'),
  templates: z
    .record(name, podTemplate)
    .prefault({})
    .describe('Further templates, by the name rules use (`provision`).'),
  ttl: duration({ least: 1000 })
    .prefault('1h')
    .describe('How long a pod lives, where a price does not say (`buys.time`).'),
  max_lifetime: duration({ least: 1000 })
    .prefault('24h')
    .describe('How long a pod lives with every extension. The API server ends it then by itself.'),
  wait: choice(['created', 'ready']).prefault('created').describe('What the answer waits for.'),
  wait_timeout: duration({ least: 100, most: 30_000 })
    .prefault('8s')
    .describe('How long a payer waits for the pod. Then the answer is a 503, and the pod is made all the same.'),
  give_back_after: duration({ least: 1000 })
    .prefault('10m')
    .describe('How long it is tried to make a pod. Then its price is credit again.'),
  max_per_payer: integer().prefault(1).describe('Most pods of one payer at a time.'),
  max_total: integer().prefault(100).describe('Most pods in all.'),
  service: toggle.prefault(false).describe('Whether each pod gets a Service.'),
  tell: listOf(choice(['ip', 'service', 'expires']))
    .prefault([])
    .describe(
      'What the application is told besides `X-Provisioned-Pod`: `X-Pod-IP`, `X-Pod-Service`, `X-Pod-Expires`.',
    ),
  reap_interval: duration({ least: 1000 }).prefault('30s').describe('How often expired pods are looked for.'),
  kubeconfig: filePath
    .optional()
    .describe('How to reach the API server. Left out: as the service account of the pod that Sallyport runs in.'),
  request_timeout: duration({ least: 100, most: 60_000 }).prefault('5s').describe('Longest call of the API server.'),
}).describe('Pods that payments start.');

const hour = 3_600_000;

export const usage = block({
  billable: listOf(
    text({ expected: 'a status such as 200, or a class such as 2xx', pattern: /[1-5](xx|\d\d)/, placeholder: '2xx' }),
  )
    .prefault(['2xx'])
    .describe('Statuses that count as billable.'),
  spool: filePath
    .prefault('data/usage')
    .describe('Folder on a disk of the machine, for events on their way to the store.'),
  batch_size: integer({ most: 100_000 }).prefault(1_000).describe('Most events written at once.'),
  flush_interval: duration({ most: 60_000 }).prefault('1s').describe('Longest wait before events are written.'),
  queue_size: integer({ most: 10_000_000 })
    .prefault(1_000_000)
    .describe('Most events waiting in the spool, of each process; more are dropped and counted.'),
  retention: duration({ least: hour })
    .prefault('90d')
    .describe('How long single events are kept. One that is told again after that counts again.'),
  summary_retention: duration({ least: hour }).prefault('1095d').describe('How long sums by the hour are kept.'),
}).describe('Who used what.');

const meterName = text({ label: 'meter', expected: 'the event name of a meter, at most 100 characters', longest: 100 });

export const billing = block({
  sink: choice(['stripe']).prefault('stripe').describe('Who is told.'),
  stripe_api_key: secret.optional().describe('Without it nobody is told, as with `dry_run`.'),
  stripe_url: url({ bare: true })
    .prefault('https://api.stripe.com')
    .describe("Another server that speaks Stripe's API."),
  dry_run: toggle.prefault(false).describe('What would be told is shown, and never sent.'),
  meter: meterName.prefault('api_requests').describe('Event name of the Stripe meter.'),
  meters: z
    .record(name, meterName)
    .prefault({})
    .describe('Meters by rule, where it is not `meter`; `none` where a rule is not billed.'),
  window: duration({ least: 60_000, most: 86_400_000 })
    .prefault('1h')
    .describe('What is summed into one event, up to 1d.'),
  late: duration({ least: 0, most: 86_400_000 })
    .prefault('5m')
    .describe('How long after its end a window takes late usage; what comes later is told in a further event.'),
}).describe('Usage reported to a billing service.');
