// The pages that a person sees: sign-in, consent, and the code of a device. They load nothing from anywhere.

/** Any name signs in with this password. */
const PASSWORD = 'secret';

/** Serves the pages of sign-in and consent. */
export function interactions(provider) {
  return async (ctx, next) => {
    if (!ctx.path.startsWith('/interaction/')) return next();
    const { prompt, params, session, grantId } = await provider.interactionDetails(ctx.req, ctx.res);
    const ask = prompt.name === 'consent' ? consent(params) : signIn(params.login_hint);
    if (ctx.method !== 'POST') return show(ctx, ask);
    const said = await form(ctx);
    let result;
    if (said.has('decline')) {
      result = { error: 'access_denied', error_description: 'the user declined' };
    } else if (prompt.name === 'consent') {
      const known = grantId && await provider.Grant.find(grantId);
      const grant = known || new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
      grant.addOIDCScope(params.scope);
      result = { consent: { grantId: await grant.save() } };
    } else if (said.get('password') === PASSWORD) {
      result = { [prompt.name]: {}, login: { accountId: said.get('user') } };
    } else {
      return show(ctx, signIn(said.get('user'), 'wrong user or password'));
    }
    const mergeWithLastSubmission = prompt.name === 'consent';
    ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, result, { mergeWithLastSubmission }));
  };
}

/** Asks for the code that a device shows; `own` is the provider's form for it. */
export async function userCode(ctx, own, _out, error) {
  let says = 'Enter the code that your device shows';
  if (error?.name === 'AbortedError') says = 'You declined';
  else if (error) says = 'The code is wrong';
  show(ctx, page('Device', `<p>${says}</p>${own}<button name="next" form="op.deviceInputForm">Next</button>`));
}

/** Asks whether the device shows this very code. */
export async function confirmCode(ctx, own, _client, _device, code) {
  const button = (name, label) => `<button name="${name}" value="yes" form="op.deviceConfirmForm">${label}</button>`;
  const buttons = button('next', 'Next') + button('abort', 'Decline');
  show(ctx, page('Device', `<p>Does your device show ${escaped(code)}?</p>${own}${buttons}`));
}

export async function deviceDone(ctx) {
  show(ctx, page('Done', '<p>You may go back to your device</p>'));
}

export async function failed(ctx, out) {
  show(ctx, page('Error', `<p>${escaped(Object.values(out).join(': '))}</p>`));
}

/** What a form says. */
export async function form(ctx) {
  const chunks = [];
  for await (const chunk of ctx.req) chunks.push(chunk);
  return new URLSearchParams(Buffer.concat(chunks).toString());
}

function signIn(user, error = '') {
  return page('Sign in', `<p>${error}</p><form method="post">
<input name="user" value="${escaped(user)}"><input name="password" type="password">
<button name="next">Sign in</button><button name="decline">Cancel</button>
</form>`);
}

function consent({ client_id, scope }) {
  return page('Consent', `<p>${escaped(client_id)} asks for: ${escaped(scope)}</p><form method="post">
<button name="allow">Allow</button><button name="decline">Decline</button>
</form>`);
}

function page(title, body) {
  return `<!DOCTYPE html>\n<meta charset="utf-8"><title>${title}</title>\n<h1>${title}</h1>\n${body}\n`;
}

function show(ctx, html) {
  ctx.type = 'html';
  ctx.body = html;
}

function escaped(text = '') {
  return text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
