// Shows /openapi.json with Swagger UI, in the theme of the page.
const root = document.documentElement;
const system = matchMedia('(prefers-color-scheme: dark)');

function applyTheme() {
  const isDark = root.dataset.theme ? root.dataset.theme === 'dark' : system.matches;
  root.classList.toggle('dark-mode', isDark);
}

applyTheme();
system.addEventListener('change', applyTheme);

// The key that was given to the page in this tab (src/lib/key.js).
function knownKey() {
  try {
    return sessionStorage.getItem('slipway-key');
  } catch {
    return null;
  }
}

const ui = SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#swagger',
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  // The hosted validator is another host.
  validatorUrl: null,
  onComplete: () => knownKey() && ui.preauthorizeApiKey('ApiKey', knownKey()),
});
