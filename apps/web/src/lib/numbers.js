// Numbers as the page shows them: three digits say enough, and none is made up.

const short = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });
const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

export function formatNumber(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  return Math.abs(value) >= 100 ? whole.format(value) : short.format(value);
}

export const formatScore = (score) => `${(score * 100).toFixed(score < 0.1 ? 1 : 0)} %`;
export const formatShape = (shape) => shape.map((size) => (size < 0 ? 'any' : size)).join(' × ') || 'scalar';
