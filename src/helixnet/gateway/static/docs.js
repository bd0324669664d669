// Swagger UI on our own OpenAPI document, which says how Authorize gets a token.
window.ui = SwaggerUIBundle({
  url: "/openapi.json",
  oauth2RedirectUrl: `${location.origin}/docs/oauth2-redirect`,
  dom_id: "#swagger-ui",
  deepLinking: true,
  persistAuthorization: false,
  presets: [SwaggerUIBundle.presets.apis],
});
fetch("/api/v1/auth/methods")
  .then((answer) => (answer.ok ? answer.json() : {}))
  .catch(() => ({}))
  .then((methods) => window.ui.initOAuth({
    clientId: methods.web_client ?? "",
    usePkceWithAuthorizationCodeGrant: true,
  }));
