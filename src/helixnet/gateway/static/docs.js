// Swagger UI on our own OpenAPI document; Authorize uses the password form of /auth/token.
window.ui = SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  persistAuthorization: false,
  presets: [SwaggerUIBundle.presets.apis],
});
window.ui.initOAuth({ clientId: "helix-cli" });
