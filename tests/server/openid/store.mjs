// What the provider has given out, in a map, so that a test may take it back.

const kept = new Map();

/** One kind of what is kept; `oidc-provider` calls it an adapter. */
export class Store {
  constructor(kind) {
    this.kind = kind;
  }

  async upsert(id, payload) {
    kept.set(`${this.kind}:${id}`, payload);
  }

  async find(id) {
    return kept.get(`${this.kind}:${id}`);
  }

  async findByUid(uid) {
    return this.all().find(([, payload]) => payload.uid === uid)?.[1];
  }

  async findByUserCode(userCode) {
    return this.all().find(([, payload]) => payload.userCode === userCode)?.[1];
  }

  async consume(id) {
    (await this.find(id)).consumed = now();
  }

  async destroy(id) {
    kept.delete(`${this.kind}:${id}`);
  }

  async revokeByGrantId(grantId) {
    this.all().filter(([, payload]) => payload.grantId === grantId).forEach(([key]) => kept.delete(key));
  }

  all() {
    return [...kept].filter(([key]) => key.startsWith(`${this.kind}:`));
  }
}

/** Forgets every token of a user, and what they consented to. */
export function revoke(user) {
  for (const [key, payload] of kept) {
    if (payload.accountId === user && !/^(Session|Interaction):/.test(key)) kept.delete(key);
  }
}

/** Lets every access token that there is expire; refresh tokens stay. */
export function expire() {
  for (const [key, payload] of kept) {
    if (/^(AccessToken|ClientCredentials):/.test(key)) payload.exp = now() - 1;
  }
}

function now() {
  return Math.floor(Date.now() / 1000);
}
