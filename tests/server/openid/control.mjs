// What a test may know and change while the provider runs; no part of any protocol.

import { form } from './pages.mjs';
import * as store from './store.mjs';

/** Every request to an endpoint, without secrets. */
const requests = [];

/** Everything that nobody but the two sides may ever see. */
const secrets = new Set();

/** Users and clients whose tokens open a mailbox that is not their own. */
const delegates = new Map();

/** What the token endpoint answers with instead of what it should; `times` is how often. */
let trouble = {};

/** Commands of the test, each a path below `/control/`. */
const commands = {
  requests: () => requests,
  secrets: () => [...secrets],
  trouble: (wanted) => { trouble = wanted; },
  revoke: ({ user }) => store.revoke(user),
  expire: () => store.expire(),
  delegate: ({ user, mailbox }) => delegates.set(user, mailbox),
};

/** Obeys the test. */
export async function obey(ctx, next) {
  const command = ctx.path.startsWith('/control/') && commands[ctx.path.slice('/control/'.length)];
  if (!command) return next();
  const chunks = [];
  for await (const chunk of ctx.req) chunks.push(chunk);
  ctx.body = command(JSON.parse(Buffer.concat(chunks).toString() || '{}')) ?? {};
}

/** Notes what is asked, holds clients to their way of showing a secret, and makes the trouble that is wanted. */
export function notice(clients) {
  const methods = new Map(clients.map(({ id, method }) => [id, method]));
  return async (ctx, next) => {
    const endpoint = ctx.path.slice(1);
    if (!['auth', 'token', 'device/auth', 'token/revocation'].includes(endpoint)) return next();
    const said = ctx.method === 'POST' ? await form(ctx) : ctx.URL.searchParams;
    const request = { endpoint, parameters: {}, client: 'none' };
    for (const [name, value] of said) request.parameters[name] = SECRETS.has(name) ? '…' : value;
    for (const [name, value] of said) if (SECRETS.has(name) && name !== 'state') secrets.add(value);
    if (said.has('client_secret')) request.client = 'client_secret_post';
    let id = said.get('client_id');
    if (ctx.headers.authorization) {
      request.client = 'client_secret_basic';
      const [named] = Buffer.from(ctx.headers.authorization.split(' ')[1] ?? '', 'base64').toString().split(':');
      id = decodeURIComponent(named);
    }
    requests.push(request);
    // The form is read, and the provider takes it from here.
    ctx.req.body = said.toString();
    if (endpoint === 'token' && trouble.times > 0) {
      const { delay = 0, status, type, body } = trouble;
      trouble.times -= 1;
      await new Promise((resolve) => { setTimeout(resolve, delay); });
      if (status) return Object.assign(ctx, { status, type, body });
    }
    // The provider itself would take a secret either way.
    if (endpoint !== 'auth' && request.client !== (methods.get(id) ?? request.client)) {
      return Object.assign(ctx, { status: 401, body: { error: 'invalid_client' } });
    }
    await next();
    for (const name of GIVEN) if (ctx.body?.[name]) secrets.add(ctx.body[name]);
  };
}

/** Tells a mail server whose the token is, and which mailbox it opens. */
export async function introspected(ctx, next) {
  await next();
  if (ctx.path !== '/token/introspection' || !ctx.body?.active) return;
  const username = ctx.body.sub ?? ctx.body.client_id;
  ctx.body = { ...ctx.body, username, mailbox: delegates.get(username) ?? username };
}

const GIVEN = ['access_token', 'refresh_token', 'id_token', 'device_code'];
const SECRETS = new Set(['client_secret', 'code', 'code_verifier', 'device_code', 'refresh_token', 'state', 'token']);
