// Colours of classes: the ones that the server draws with (src/media/draw.cc), so that a box has the same
// colour here, in a saved picture and in a mask.

const GOLDEN_RATIO = 0.61803398874989485;
const FIRST_HUE = 0.38;
const SATURATION = [0.78, 0.62, 0.9];
const VALUE = [0.95, 1.0, 0.85];

// [red, green, blue], 0..1.
function rgbFromHsv(hue, saturation, value) {
  const channel = (n) => {
    const k = (n + hue * 6) % 6;
    return value - value * saturation * Math.max(0, Math.min(k, 4 - k, 1));
  };
  return [channel(5), channel(3), channel(1)];
}

function rgbOf(index) {
  const i = index >>> 0;
  const hue = (FIRST_HUE + i * GOLDEN_RATIO) % 1;
  return rgbFromHsv(hue, SATURATION[Math.floor(i / 7) % 3], VALUE[Math.floor(i / 5) % 3]);
}

export function classColor(index) {
  return `rgb(${rgbOf(index)
    .map((part) => Math.round(part * 255))
    .join(' ')})`;
}

// Black or white, whichever is read better on the colour of that class.
export function textColorOn(index) {
  const [r, g, b] = rgbOf(index).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.25 ? '#000' : '#fff';
}
