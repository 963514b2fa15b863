// An OpenID provider on a free loopback port. It prints the port when it may be used.
//
//   node provider.mjs OPTIONS        what is in OPTIONS, as JSON, is said in ../openid.rs

import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';

import Provider, { interactionPolicy } from 'oidc-provider';

import { introspected, notice, obey } from './control.mjs';
import { confirmCode, deviceDone, failed, interactions, userCode } from './pages.mjs';
import { Store } from './store.mjs';

const options = JSON.parse(process.argv[2]);

const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';
const SCOPES = ['openid', 'email', 'offline_access', 'imap', 'smtp'];

const policy = interactionPolicy.base();
policy.add(new interactionPolicy.Prompt({ name: 'select_account', requestable: true }), 0);

const configuration = {
  adapter: Store,
  clients: options.clients.map(({ id, secret, method }) => (method === 'introspection'
    ? {
      client_id: id, client_secret: secret, token_endpoint_auth_method: 'client_secret_post',
      grant_types: [], response_types: [], redirect_uris: [],
    }
    : {
      client_id: id, ...(secret && { client_secret: secret }), token_endpoint_auth_method: method,
      application_type: 'native',
      redirect_uris: ['http://127.0.0.1/', 'http://localhost/', 'http://[::1]/'],
      grant_types: ['authorization_code', 'refresh_token', DEVICE, ...(secret ? ['client_credentials'] : [])],
    })),
  clientDefaults: { id_token_signed_response_alg: 'ES256' },
  jwks: { keys: [{ ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }) }] },
  cookies: { keys: ['one that is no secret'] },
  scopes: SCOPES,
  claims: { openid: ['sub'], email: ['email'] },
  conformIdTokenClaims: !options.id_token_tells,
  findAccount: (_ctx, accountId) => ({ accountId, claims: () => ({ sub: accountId, email: accountId }) }),
  ttl: {
    AccessToken: options.lifetime,
    ClientCredentials: options.lifetime,
    AuthorizationCode: 60,
    DeviceCode: options.device_lifetime,
    RefreshToken: 3600,
    IdToken: 3600,
    Grant: 3600,
    Interaction: 600,
    Session: 3600,
  },
  rotateRefreshToken: options.rotate,
  expiresWithSession: () => false,
  interactions: { policy, url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  renderError: failed,
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    deviceFlow: {
      enabled: true, userCodeInputSource: userCode, userCodeConfirmSource: confirmCode, successSource: deviceDone,
    },
    introspection: {
      // A refresh token opens no mailbox.
      enabled: true, allowedPolicy: (_ctx, _client, token) => token.kind !== 'RefreshToken',
    },
    revocation: { enabled: true },
    // A scope is one of the provider itself: there is no other resource.
    resourceIndicators: { enabled: false },
  },
};

/** Says how often a device may ask: the provider leaves that out, which means every five seconds. */
async function interval(ctx, next) {
  await next();
  if (ctx.path === '/device/auth' && ctx.body?.device_code) ctx.body = { ...ctx.body, interval: options.interval };
}

/** Gives offline access whatever the prompt is, as the large providers do: OpenID wants `prompt=consent`. */
async function offline(ctx, next) {
  const { prompt = '', scope = '' } = ctx.query;
  if (ctx.path === '/auth' && scope.split(' ').includes('offline_access') && !/none|consent/.test(prompt)) {
    ctx.query = { ...ctx.query, prompt: `${prompt} consent`.trim() };
  }
  return next();
}

const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  const provider = new Provider(`http://127.0.0.1:${port}`, configuration);
  for (const middleware of [obey, notice(options.clients), introspected, interval, offline]) provider.use(middleware);
  provider.use(interactions(provider));
  provider.on('server_error', (_ctx, error) => console.error(error));
  server.on('request', provider.callback());
  console.log(`listening on port ${port}`);
});
