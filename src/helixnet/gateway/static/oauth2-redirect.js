// The window that Swagger UI opened for Authorize: hand it the code of the issuer, and close.
const waiting = window.opener?.swaggerUIRedirectOauth2;
const answer = new URLSearchParams(location.search);

function hand() {
  const { auth, state, redirectUrl, callback, errCb } = waiting;
  if (answer.get("state") !== state) {
    errCb({ authId: auth.name, source: "auth", level: "error", message: "Another login answered." });
  } else if (answer.get("code")) {
    delete auth.state;
    auth.code = answer.get("code");
    callback({ auth, redirectUrl });
  } else {
    const message = answer.get("error_description") ?? answer.get("error") ?? "No code came.";
    errCb({ authId: auth.name, source: "auth", level: "error", message });
  }
  window.close();
}

if (waiting) hand();
else document.getElementById("notice").textContent = "Press Authorize on the API page to log in.";
