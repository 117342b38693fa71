// settings.json is what this server wants of the page: the demonstration's
// has its public token, any other has none.
const settings = await (await fetch("settings.json")).json();

const ui = window.SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  displayOperationId: true,
  displayRequestDuration: true,
  // The API knows no other scheme, and a reload shall not ask again.
  persistAuthorization: settings.token === null,
  tryItOutEnabled: true,
  // Nobody else is told of the document.
  validatorUrl: null,
  onComplete() {
    if (settings.token !== null) {
      ui.preauthorizeApiKey("Token", `Token ${settings.token}`);
    }
  },
});
