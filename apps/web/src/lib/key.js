// The key that a server may ask for. It is kept as long as the tab and given to this server alone.
const PLACE = 'slipway-key';

let kept = '';
try {
  kept = sessionStorage.getItem(PLACE) ?? '';
} catch {
  // Without storage the key lasts as long as the page.
}

export const apiKey = () => kept;

export function setApiKey(key) {
  kept = key;
  try {
    if (key) sessionStorage.setItem(PLACE, key);
    else sessionStorage.removeItem(PLACE);
  } catch {
    // As above.
  }
}

// Headers hold printable ASCII: no other key can be right.
export const canBeKey = (text) => /^[\x21-\x7e]+$/.test(text);

export const keyHeaders = (key = kept) => (key ? { 'X-API-Key': key } : {});

// What a WebSocket offers: browsers let it have no headers, so that the key comes as a subprotocol in base64url.
export function streamProtocols(key = kept) {
  if (!key) return ['slipway.frames'];
  const text = btoa(key).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
  return ['slipway.frames', `slipway.key.${text}`];
}
