/** Units per minute, by least squares, of samples taken at `at` seconds. */
export const slopePerMinute = (samples: readonly { readonly at: number; readonly value: number }[]): number => {
  const mean = (pick: (sample: (typeof samples)[number]) => number): number =>
    samples.reduce((sum, sample) => sum + pick(sample), 0) / samples.length
  const [at, value] = [mean((sample) => sample.at), mean((sample) => sample.value)]
  const covariance = samples.reduce((sum, sample) => sum + (sample.at - at) * (sample.value - value), 0)
  const variance = samples.reduce((sum, sample) => sum + (sample.at - at) ** 2, 0)
  return (covariance / variance) * 60
}
