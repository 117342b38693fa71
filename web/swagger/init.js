// settings.json is what this server wants of the page: the demonstration's
// has its public token, any other has none.
const settings = await (await fetch("settings.json")).json();

// Its own dark colours, for who has chosen them for all pages.
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const paint = () =>
  document.documentElement.classList.toggle("dark-mode", dark.matches);

paint();
dark.addEventListener("change", paint);

const ui = window.SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  displayOperationId: true,
  displayRequestDuration: true,
  // A token is not left behind in the browser of whoever entered it.
  persistAuthorization: false,
  tryItOutEnabled: true,
  // Nobody else is told of the document.
  validatorUrl: null,
  onComplete() {
    if (settings.token !== null) {
      ui.preauthorizeApiKey("Token", `Token ${settings.token}`);
    }
  },
});
