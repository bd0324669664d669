// Getting a token: by the server's password form, or at its issuer by code and PKCE (RFC 7636).
// The token lives as long as the tab.
const KEPT = ["token", "name", "refresh", "id_token"];
const kept = (key) => sessionStorage.getItem(key);
const home = () => `${location.origin}/`;

export const token = () => kept("token");
export const name = () => kept("name");
export const forget = () => { for (const key of KEPT) sessionStorage.removeItem(key); };

async function read(answer) {
  const found = await answer.json().catch(() => ({}));
  const said = [found.detail ?? found.error_description ?? found.error, found.hint];
  if (!answer.ok) throw new Error(said.filter(Boolean).join(": ") || `HTTP ${answer.status}`);
  return found;
}

export async function methods() {
  return read(await fetch("/api/v1/auth/methods"));
}

export async function byPassword(body) {
  const given = await read(await fetch("/api/v1/auth/token", { method: "POST", body }));
  sessionStorage.setItem("token", given.access_token);
  sessionStorage.setItem("name", body.get("username"));
}

const text = (bytes) => btoa(String.fromCharCode(...bytes))
  .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const secret = () => text(crypto.getRandomValues(new Uint8Array(32)));

export async function atIssuer() {
  if (!crypto.subtle) throw new Error("Logging in needs https, or a browser on the server itself.");
  const { authorization_endpoint: address, web_client: client } = await methods();
  const [verifier, state] = [secret(), secret()];
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  sessionStorage.setItem("login", JSON.stringify({ verifier, state, hash: location.hash }));
  location.assign(extended(address, {
    client_id: client, response_type: "code", scope: "openid", redirect_uri: home(), state,
    code_challenge: text(new Uint8Array(digest)), code_challenge_method: "S256",
  }));
}

function extended(address, query) {
  const made = new URL(address);
  for (const [key, value] of Object.entries(query)) made.searchParams.set(key, value);
  return made;
}

// Comes back from the issuer, if that is where the page was called from.
export async function returned() {
  const answer = new URLSearchParams(location.search);
  if (!answer.has("state")) return;
  const begun = JSON.parse(kept("login") ?? "{}");
  sessionStorage.removeItem("login");
  history.replaceState(null, "", location.pathname + (begun.hash ?? "")); // no code in the address
  if (answer.get("state") !== begun.state) throw new Error("That login was not begun here.");
  if (!answer.get("code")) {
    throw new Error(answer.get("error_description") ?? answer.get("error") ?? "No code came.");
  }
  await exchange({
    grant_type: "authorization_code", code: answer.get("code"),
    redirect_uri: home(), code_verifier: begun.verifier,
  });
  const headers = { Authorization: `Bearer ${token()}` };
  const me = await read(await fetch("/api/v1/users/me", { headers })).catch((error) => {
    forget();
    throw error;
  });
  sessionStorage.setItem("name", me.name);
}

async function exchange(form) {
  const { token_endpoint: address, web_client: client } = await methods();
  const body = new URLSearchParams({ client_id: client, ...form });
  const answer = await fetch(address, { method: "POST", body }).catch(() => {
    throw new TypeError(`${new URL(address).origin} does not answer this page. Does its client `
      + `${client} allow ${location.origin}?`);
  });
  const given = await read(answer);
  sessionStorage.setItem("token", given.access_token);
  if (given.refresh_token) sessionStorage.setItem("refresh", given.refresh_token);
  if (given.id_token) sessionStorage.setItem("id_token", given.id_token);
}

let renewing = null; // one renewal at a time serves all who wait

// Whether there is a fresh token; an issuer that does not answer is an error, not a no.
export async function renewed() {
  if (!kept("refresh")) return false;
  renewing ??= exchange({ grant_type: "refresh_token", refresh_token: kept("refresh") })
    .finally(() => { renewing = null; });
  try {
    await renewing;
    return true;
  } catch (error) {
    if (error instanceof TypeError) throw error;
    return false;
  }
}

// Logs out here, and at the issuer if that is where the token came from.
export async function end() {
  const hint = kept("id_token");
  forget();
  if (!hint) return;
  const { end_session_endpoint: address, web_client: client } = await methods();
  if (!address) return;
  location.assign(extended(address, {
    client_id: client, id_token_hint: hint, post_logout_redirect_uri: home(),
  }));
}
