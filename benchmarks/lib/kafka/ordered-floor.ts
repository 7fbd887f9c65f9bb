import { waitMs } from './waits.ts'

/** The least that is needed: so many slots, a queue for each key, and the same waits by timers. Seconds from the first start to the last end. */
export const orderedFloor = (count: number, keys: number, slots: number): Promise<number> =>
  new Promise((resolve) => {
    const queues = Array.from({ length: keys }, (_, key) => ({ next: key }))
    const ready = [...queues]
    let [head, free, left] = [0, slots, count]
    const startedAt = performance.now()
    const start = (): void => {
      while (free > 0) {
        const queue = ready[head]
        if (queue === undefined) return
        head += 1
        if (queue.next >= count) continue
        free -= 1
        const wait = waitMs(queue.next)
        queue.next += keys
        setTimeout(() => {
          free += 1
          left -= 1
          ready.push(queue)
          if (left === 0) resolve((performance.now() - startedAt) / 1000)
          else start()
        }, wait)
      }
    }
    start()
  })
