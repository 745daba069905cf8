// Which models the charts show, and in which colour.

// The names of the `most` models with the most requests in the times that are kept; of few models all.
export function busiest(names, history, most) {
  if (names.length <= most) return names;
  const requests = (name) => (history.get(name) ?? []).reduce((sum, rates) => sum + (rates?.throughput ?? 0), 0);
  return names
    .map((name) => ({ name, count: requests(name) }))
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.count - a.count || a.name.localeCompare(b.name))
    .slice(0, most)
    .map(({ name }) => name);
}

// Name to colour, a number below `most`: whoever has one keeps it, newcomers get those that are free.
export function assignColors(before, names, most) {
  const colors = new Map(names.filter((name) => before.has(name)).map((name) => [name, before.get(name)]));
  const taken = new Set(colors.values());
  const free = [...Array(most).keys()].filter((color) => !taken.has(color));
  for (const name of names) if (!colors.has(name)) colors.set(name, free.shift());
  return colors;
}
