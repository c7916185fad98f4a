import { block } from './forms.ts';
import { url } from './network.ts';
import { duration } from './numbers.ts';
import { publicText, secret } from './secret.ts';
import { filePath, text } from './texts.ts';

const mount = (usual: string) =>
  text({ expected: 'a path such as approle', pattern: /[\w.-]+(\/[\w.-]+)*/, placeholder: usual })
    .prefault(usual)
    .describe('Where the method is mounted, below `auth/`.');

const appRole = block({
  role_id: secret.describe('Id of the role.'),
  secret_id: secret.optional().describe('Secret of the role, where it wants one.'),
  mount: mount('approle'),
});

const kubernetes = block({
  role: text().describe('Role in Vault that the service account is bound to.'),
  jwt_file: filePath
    .prefault('/var/run/secrets/kubernetes.io/serviceaccount/token')
    .describe('Token of the service account. Read anew for each login.'),
  mount: mount('kubernetes'),
});

export const vault = block({
  address: url({ bare: true }).describe('Where Vault answers.'),
  namespace: text().optional().describe('Namespace of the secrets and of the login.'),
  auth: block({
    token: secret.optional().describe('A token that somebody else has made. It is renewed for as long as it may be.'),
    app_role: appRole.optional().describe('Log in by AppRole.'),
    kubernetes: kubernetes.optional().describe('Log in by the service account of the pod.'),
  })
    .prefault({})
    .describe('How to log in: exactly one of these.'),
  ca_cert: publicText
    .optional()
    .describe('The authority that signed Vault’s certificate, in PEM or as `file:PATH`; no other is then believed.'),
  timeout: duration({ most: 60_000 }).prefault('5s').describe('How long one call may take.'),
  refresh_interval: duration({ least: 1_000 })
    .prefault('5m')
    .describe('How often secrets are read again. One that has changed is taken into use at once.'),
}).describe('HashiCorp Vault, where `vault:PATH#KEY` is (KV version 2).');
