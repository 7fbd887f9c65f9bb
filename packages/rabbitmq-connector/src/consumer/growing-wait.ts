const firstMs = 1000
const maxMs = 60_000

/** 1 s at first, doubled each time up to 60 s, and half of it at random: the wait after `failures` others. */
export const growingWait = (failures: number, random: () => number): number => {
  const ceiling = Math.min(firstMs * 2 ** Math.min(failures, 10), maxMs)
  return Math.max(firstMs, Math.round(ceiling * (0.5 + random() / 2)))
}
